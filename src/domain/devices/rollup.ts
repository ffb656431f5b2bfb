import { defined } from '../defined';
import { iso } from '../ids';
import { addExactly, type Expansion, rounded } from './exactSum';
import { type MetricValue, metricsOf, type ReadingRow } from './reading';

/** The resolutions of rollups: minute, hour and day in UTC. */
export const resolutions = ['1m', '1h', '1d'] as const;
/** One of {@link resolutions}. */
export type Resolution = (typeof resolutions)[number];

/** The length of a bucket in milliseconds, by resolution. */
export const resolutionMs: Readonly<Record<Resolution, number>> = { '1m': 60_000, '1h': 3_600_000, '1d': 86_400_000 };

/** Returns the epoch ms of the first instant of the bucket that contains an instant. */
export const bucketStart = (resolution: Resolution, epochMs: number): number =>
  epochMs - (epochMs % resolutionMs[resolution]);

/** The rollup of one metric over one bucket. It does not depend on the order in which readings arrive. */
export interface MetricRollup {
  /** Number of readings with the metric. */
  count: number;
  /** Number of those with a number or a boolean (0 or 1); the others have texts. */
  numbers: number;
  sum: Expansion;
  /** Absent while all values are texts. */
  min?: number;
  max?: number;
  last: { at: number; id: string; value: MetricValue };
}

/** The rollup of a device's readings over one bucket. */
export interface Rollup {
  /** Number of readings, with or without metrics. */
  readings: number;
  metrics: Readonly<Record<string, MetricRollup>>;
}

/** The rollup of a bucket without readings. */
export const emptyRollup: Rollup = { readings: 0, metrics: {} };

/** Returns the rollup with more readings of its bucket. */
export function addReadings({ readings, metrics }: Rollup, rows: readonly ReadingRow[]): Rollup {
  const after: Record<string, MetricRollup> = { ...metrics };
  for (const row of rows)
    for (const [name, value] of Object.entries(metricsOf(row)))
      // `hasOwn`, because objects inherit properties such as `toString`, which is also a valid metric name.
      after[name] = addValue(Object.hasOwn(after, name) ? after[name] : undefined, value, row);
  return { readings: readings + rows.length, metrics: after };
}

function addValue(before: MetricRollup | undefined, value: MetricValue, { timestamp, id }: ReadingRow): MetricRollup {
  const { count = 0, numbers = 0, sum = [], min, max, last } = before ?? {};
  const isLater = last === undefined || timestamp > last.at || (timestamp === last.at && id > last.id);
  const common = { count: count + 1, last: isLater ? { at: timestamp, id, value } : last };
  if (typeof value === 'string') return { ...common, numbers, sum, ...defined({ min, max }) };
  const number = Number(value);
  return {
    ...common,
    numbers: numbers + 1,
    sum: addExactly(sum, number),
    min: min === undefined ? number : Math.min(min, number),
    max: max === undefined ? number : Math.max(max, number),
  };
}

/** Returns whether two rollups are equal. Sums are compared rounded, because expansions depend on the order. */
export function sameRollup(one: Rollup, other: Rollup): boolean {
  const names = Object.keys(one.metrics);
  return (
    one.readings === other.readings &&
    names.length === Object.keys(other.metrics).length &&
    names.every(
      (name) =>
        Object.hasOwn(other.metrics, name) &&
        sameMetric(one.metrics[name] as MetricRollup, other.metrics[name] as MetricRollup),
    )
  );
}

function sameMetric(one: MetricRollup, other: MetricRollup): boolean {
  return (
    one.count === other.count &&
    one.numbers === other.numbers &&
    rounded(one.sum) === rounded(other.sum) &&
    one.min === other.min &&
    one.max === other.max &&
    one.last.at === other.last.at &&
    one.last.id === other.last.id &&
    one.last.value === other.last.value
  );
}

/** A metric of a rollup as the API shows it; the sum is rounded once. */
export interface ShownMetric {
  count: number;
  sum?: number;
  min?: number;
  max?: number;
  mean?: number;
  last: { timestamp: string; value: MetricValue };
}

/** Returns a metric of a rollup as the API shows it. */
export function shownMetric({ count, numbers, sum, min, max, last }: MetricRollup): ShownMetric {
  const total = rounded(sum);
  return {
    count,
    ...(numbers > 0 && min !== undefined && max !== undefined && { sum: total, min, max, mean: total / numbers }),
    last: { timestamp: iso(last.at), value: last.value },
  };
}

/** The result of a rollup check. */
export interface CheckedRollups {
  /** Number of devices whose rollups were compared with their readings. */
  devices: number;
  /** Number of wrong rollups that were corrected. */
  replaced: number;
  /** Number of rollups that seemed wrong but changed during the check; they must be checked again. */
  unsettled: number;
  /** Number of devices whose check was refused permanently; absent when there is none. */
  skipped?: number;
}

/** The result of one deletion of old rollups. */
export interface DeletedRollups {
  /** Number of days of which rollups of some resolution were deleted. */
  days: number;
  /** Number of devices, per day, whose rollups could not be deleted because a step was refused permanently. */
  skipped: number;
}
