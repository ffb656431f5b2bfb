import { z } from 'zod';
import { idOf, line, lineOf } from '../edge/schemas';
import { limits, METRIC_NAME, METRIC_NAME_RULE } from './limits';

/** Maximum number of alerts of a device or a group. */
export const MAX_ALERTS = 20;
/** Maximum number of groups of a device. */
export const MAX_GROUPS = 5;
const MAX_SECONDS = 366 * 86_400;

const MAGNITUDE = `must be a number between -${limits.magnitude} and ${limits.magnitude}`;
const number = z.number(MAGNITUDE).min(-limits.magnitude, MAGNITUDE).max(limits.magnitude, MAGNITUDE);
const metric = line('must name a metric').regex(METRIC_NAME, METRIC_NAME_RULE);
const seconds = (least: number) =>
  z
    .int('must be a whole number of seconds')
    .min(least, `must be at least ${least}`)
    .max(MAX_SECONDS, `must be at most ${MAX_SECONDS}`);
const base = {
  id: idOf('the alert'),
  recipient: lineOf(1, 200).optional(),
};

const thresholdSchema = z
  .strictObject({
    ...base,
    kind: z.literal('threshold'),
    metric,
    direction: z.enum(['above', 'below'], 'must be above or below'),
    value: number,
    clear: number.optional(),
    forSeconds: seconds(0).optional(),
  })
  .refine(({ direction, value, clear = value }) => (direction === 'above' ? clear <= value : clear >= value), {
    path: ['clear'],
    message: 'must be on the good side of value: at most value for above, at least value for below',
  });

const rateSchema = z
  .strictObject({
    ...base,
    kind: z.literal('rate'),
    metric,
    direction: z.enum(['rise', 'fall', 'either'], 'must be rise, fall or either').default('either'),
    perMinute: number.positive('must be over 0'),
    clear: number.optional(),
  })
  .refine(({ perMinute, clear = perMinute }) => clear <= perMinute, {
    path: ['clear'],
    message: 'must be at most perMinute',
  });

const silenceSchema = z.strictObject({ ...base, kind: z.literal('silence'), afterSeconds: seconds(1) });

/** The schema of the alerts of a device or a group. */
export const alertsSchema = z
  .array(
    z.discriminatedUnion(
      'kind',
      [thresholdSchema, rateSchema, silenceSchema],
      'must be of kind threshold, rate or silence',
    ),
  )
  .max(MAX_ALERTS, `must be at most ${MAX_ALERTS} alerts`)
  .refine((alerts) => new Set(alerts.map(({ id }) => id)).size === alerts.length, 'must not name an id twice');
