import { z } from 'zod';
import { defined } from '../defined';
import { parse } from '../edge/parse';
import { idOf, line, lineOf, shapeRule } from '../edge/schemas';
import type { FieldFault } from '../errors';
import { iso } from '../ids';
import type { Reading } from './reading';
import { limits, METRIC_NAME, METRIC_NAME_RULE } from './limits';

const INSTANT = 'must be ISO 8601 with an offset ("2026-01-31T12:00:00Z") or integer epoch milliseconds';
/** Accepts ISO 8601 with an offset, or epoch milliseconds; the parsed value is epoch milliseconds. */
export const instantSchema = z
  .union([z.iso.datetime({ offset: true, error: INSTANT }), z.int(INSTANT).nonnegative(INSTANT)], INSTANT)
  .transform((value) => (typeof value === 'number' ? value : Date.parse(value)));

/** Rounds to 1e-7 degrees, about a centimetre. Further digits are noise and would make two readings out of one. */
const degrees = (limit: number) =>
  z
    .number('must be a number of degrees')
    .min(-limit, `must be between -${limit} and ${limit}`)
    .max(limit, `must be between -${limit} and ${limit}`)
    .transform((value) => Math.round(value * 1e7) / 1e7);

const MAGNITUDE = `must be between -${limits.magnitude} and ${limits.magnitude}`;
const VALUE = `must be a finite number, a boolean or a text of at most ${limits.text} characters`;
const metricValue = z.union(
  [
    z.number(VALUE).min(-limits.magnitude, MAGNITUDE).max(limits.magnitude, MAGNITUDE),
    z.boolean(),
    line(VALUE).max(limits.text, VALUE),
  ],
  { error: (issue) => (typeof issue.input === 'number' ? MAGNITUDE : VALUE) },
);

const readingShape = z.strictObject(
  {
    timestamp: instantSchema,
    metrics: z
      .record(
        line(METRIC_NAME_RULE).regex(METRIC_NAME, METRIC_NAME_RULE),
        metricValue,
        'must be an object of metrics by name',
      )
      .superRefine((metrics, context) => {
        const count = Object.keys(metrics).length;
        if (count > limits.metrics)
          context.addIssue({ code: 'custom', message: `must hold at most ${limits.metrics} metrics, found ${count}` });
        const size = JSON.stringify(metrics).length;
        if (size > limits.content)
          context.addIssue({
            code: 'custom',
            message: `must be at most ${limits.content} characters of JSON, found ${size}`,
          });
      })
      .default({}),
    status: lineOf(1, limits.status).optional(),
    location: z
      .strictObject({ latitude: degrees(90), longitude: degrees(180) }, 'must be an object {latitude, longitude}')
      .optional(),
  },
  { error: shapeRule('must be a JSON object') },
);

/** The schema of a reading as a device sends it; the device's id is in the path or the topic. */
export const readingSchema = readingShape.refine(
  ({ metrics, status, location }) => Object.keys(metrics).length > 0 || status !== undefined || location !== undefined,
  'must have at least one metric, a status or a location',
);

/** The schema of a device's id. */
export const deviceIdSchema = idOf('the device');

/** The limits of a reading's timestamp, in relation to the server's clock. */
export interface TimeWindow {
  /** Epoch ms. */
  now: number;
  /** The late window: milliseconds by which a reading may be late. */
  lateWindowMs: number;
}

/** Validates a reading. @returns the reading, or its faults by field. */
export function parseReading(deviceId: string, input: unknown, window: TimeWindow): Reading | FieldFault[] {
  const { value: data, faults } = parse(readingSchema, input);
  if (faults) return faults;
  const fault = timestampFault(data.timestamp, window);
  if (fault) return [fault];
  const { timestamp, metrics, status, location } = data;
  return { deviceId, timestamp, metrics, ...defined({ status, location }) };
}

function timestampFault(timestamp: number, { now, lateWindowMs }: TimeWindow): FieldFault | undefined {
  if (timestamp > now + limits.aheadMs)
    return {
      field: 'timestamp',
      message: `must be at most ${limits.aheadMs / 60_000} minutes ahead of the server's clock, ${iso(now)}`,
    };
  if (timestamp < now - lateWindowMs)
    return {
      field: 'timestamp',
      message: `must be within the late window, which begins at ${iso(now - lateWindowMs)}`,
    };
  return undefined;
}
