import { z } from 'zod';
import { defined } from '../../domain/defined';
import { addDays, dayOf } from '../../domain/devices/days';
import { metricsOf, type ReadingRow } from '../../domain/devices/reading';
import { limits } from '../../domain/devices/limits';
import { deviceIdSchema, instantSchema, readingSchema } from '../../domain/devices/readingSchema';
import { resolutions, type Rollup, shownMetric } from '../../domain/devices/rollup';
import { wholeTextOf } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { Ingest, ReadingResult } from '../../operations/devices/ingest';
import type { DeviceReads } from '../../operations/devices/reads';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema } from '../schemas';
import { type Clock, systemClock } from '../../timing/clock';

/** What the routes of readings need. */
export interface DeviceParts {
  ingest: Ingest;
  reads: DeviceReads;
  clock?: Clock;
}

const MAX_PAGE = 1_000;
/** Bytes of a full batch whose readings all have the maximum size. */
const BODY_LIMIT = 6 * 1024 * 1024;
const MAX_STRETCH_DAYS = 3_700;

/** Path parameters of a device. */
export const deviceParams = z.object({ deviceId: deviceIdSchema });
const readers = ['service', 'investigator', 'supervisor'] as const;
const metricSchema = z.union([z.number(), z.boolean(), z.string()]);
const readingShown = z.object({
  readingId: z.string(),
  timestamp: z.iso.datetime(),
  metrics: z.record(z.string(), metricSchema),
  status: z.string().optional(),
  location: z.object({ latitude: z.number(), longitude: z.number() }).optional(),
});
const rollupShown = z.object({
  from: z.iso.datetime(),
  readings: z.int(),
  metrics: z.record(
    z.string(),
    z.object({
      count: z.int(),
      sum: z.number().optional(),
      min: z.number().optional(),
      max: z.number().optional(),
      mean: z.number().optional(),
      last: z.object({ timestamp: z.iso.datetime(), value: metricSchema }),
    }),
  ),
});

/** Routes that store and read a device's readings. */
export function deviceRoutes(parts: DeviceParts): AnyRoute[] {
  return [postReadings(parts), getReadings(parts), getLatest(parts)];
}

function shown({ id, timestamp, status, latitude, longitude, ...row }: ReadingRow): z.infer<typeof readingShown> {
  return {
    readingId: id,
    timestamp: iso(timestamp),
    metrics: metricsOf(row),
    ...defined({ status }),
    ...(latitude !== undefined && longitude !== undefined && { location: { latitude, longitude } }),
  };
}

const shownRollup = ({
  bucket,
  rollup: { readings, metrics },
}: {
  bucket: number;
  rollup: Rollup;
}): z.infer<typeof rollupShown> => ({
  from: iso(bucket),
  readings,
  metrics: Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, shownMetric(metric)])),
});

const { $schema: _dialect, ...readingDocument } = z.toJSONSchema(readingSchema, {
  io: 'input',
  unrepresentable: 'any',
});

const postReadings = ({ ingest }: DeviceParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/devices/:deviceId/readings',
    operationId: 'postReadings',
    tag: 'devices',
    loadClass: 'bulk',
    summary: `Take readings, up to ${limits.batch}; each has its own result, in the same order`,
    roles: ['service'],
    bodyLimit: BODY_LIMIT,
    checksItems: true,
    params: deviceParams,
    body: z.strictObject({
      // The handler validates each reading, so that one invalid reading does not reject the others.
      readings: z
        .array(z.unknown().meta(readingDocument), 'must be a list of readings')
        .min(1, 'must hold at least one reading')
        .max(limits.batch, `must hold at most ${limits.batch} readings`),
    }),
    responses: {
      200: { description: 'All readings are stored, by this request or an earlier one', schema: resultsSchema },
      207: { description: 'Some readings are stored; the others were rejected', schema: resultsSchema },
    },
    handler: async ({ params: { deviceId }, body: { readings } }) => {
      const results = await ingest.store(readings.map((input) => ({ deviceId, input })));
      const stored = results.filter(({ status }) => status === 'stored').length;
      const rejected = results.length - stored;
      return { status: rejected > 0 ? 207 : 200, body: { stored, rejected, results: results.map(shownResult) } };
    },
  });

/** Leaves out whether DynamoDB or a validation rule rejected the reading: callers do not need that. */
function shownResult(result: ReadingResult): ReadingResult {
  return result.status === 'stored' ? result : { status: result.status, errors: result.errors };
}

const resultsSchema = z.object({
  stored: z.int(),
  rejected: z.int(),
  results: z.array(
    z.object({
      status: z.enum(['stored', 'rejected']),
      readingId: z.string().optional(),
      errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    }),
  ),
});

const getReadings = ({ reads, clock = systemClock }: DeviceParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/devices/:deviceId/readings',
    operationId: 'listReadings',
    tag: 'devices',
    loadClass: 'bulk',
    summary:
      'Readings or rollups of a stretch of time, oldest first, archived or not. Go on with the cursor until ' +
      'there is none: a page may be empty before',
    roles: readers,
    params: deviceParams,
    query: z.object({
      from: instantSchema.optional().describe('Default a day before `to`'),
      to: instantSchema.optional().describe('Left out itself; default now'),
      resolution: z.enum(['raw', ...resolutions], 'must be raw, 1m, 1h or 1d').default('raw'),
      cursor: cursorSchema,
      limit: wholeTextOf(1, MAX_PAGE).default(200),
    }),
    responses: {
      200: {
        description: 'A page',
        schema: z.object({ items: z.array(z.union([readingShown, rollupShown])), cursor: z.string().optional() }),
      },
    },
    handler: async ({ params: { deviceId }, query: { from, to: until, resolution, cursor, limit } }) => {
      const to = until ?? clock.now() + limits.aheadMs;
      const stretch = {
        deviceId,
        from: from ?? Date.parse(`${addDays(dayOf(to), -1)}T${iso(to).slice(11)}`),
        to,
        asked: { from, to: until },
      };
      checkStretch(stretch);
      const page = { limit, cursor };
      if (resolution === 'raw') {
        const { items, ...rest } = await reads.readings(stretch, page);
        return { status: 200, body: { items: items.map(shown), ...rest } };
      }
      const { items, ...rest } = await reads.rollups(stretch, resolution, page);
      return { status: 200, body: { items: items.map(shownRollup), ...rest } };
    },
  });

function checkStretch({ from, to }: { from: number; to: number }): void {
  const message =
    from >= to
      ? 'must be before to'
      : to - from > MAX_STRETCH_DAYS * 86_400_000
        ? `must be at most ${MAX_STRETCH_DAYS} days before to`
        : undefined;
  if (message) throw new LongwatchError('invalid', `from ${message}`, { faults: [{ field: 'query.from', message }] });
}

const getLatest = ({ reads }: DeviceParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/devices/:deviceId/latest',
    operationId: 'getLatestReading',
    tag: 'devices',
    loadClass: 'bulk',
    summary: 'The newest reading of a device',
    roles: readers,
    params: deviceParams,
    responses: {
      200: { description: 'The reading', schema: readingShown },
      404: { description: 'The device has no reading' },
    },
    handler: async ({ params: { deviceId } }) => {
      const row = await reads.latest(deviceId);
      if (!row) throw new LongwatchError('notFound', `Device ${deviceId} has no reading`);
      return { status: 200, body: shown(row) };
    },
  });
