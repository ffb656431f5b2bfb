import { defined } from '../defined';
import { iso } from '../ids';
import { addExactly, type Expansion, rounded } from './exactSum';
import { type MetricValue, metricsOf, type ReadingRow } from './reading';

/** Rollups are kept by the minute, the hour and the day, UTC. */
export const resolutions = ['1m', '1h', '1d'] as const;
export type Resolution = (typeof resolutions)[number];

export const resolutionMs: Readonly<Record<Resolution, number>> = { '1m': 60_000, '1h': 3_600_000, '1d': 86_400_000 };

/** Epoch ms of the first instant of the bucket that an instant lies in. */
export const bucketStart = (resolution: Resolution, epochMs: number): number =>
  epochMs - (epochMs % resolutionMs[resolution]);

/** One metric over one bucket, in a form that is the same whatever order readings came in. */
export interface MetricRollup {
  /** Readings that have the metric. */
  count: number;
  /** Of those, the numbers and booleans, which count as 0 and 1; the rest are texts. */
  numbers: number;
  sum: Expansion;
  /** Absent while there are only texts. */
  min?: number;
  max?: number;
  last: { at: number; id: string; value: MetricValue };
}

/** All that a device sent within one bucket. */
export interface Rollup {
  /** Readings, with or without metrics. */
  readings: number;
  metrics: Readonly<Record<string, MetricRollup>>;
}

export const emptyRollup: Rollup = { readings: 0, metrics: {} };

/** The rollup with some more readings of its bucket in it. */
export function addReadings({ readings, metrics }: Rollup, rows: readonly ReadingRow[]): Rollup {
  const after: Record<string, MetricRollup> = { ...metrics };
  for (const row of rows)
    for (const [name, value] of Object.entries(metricsOf(row)))
      // "constructor" is a name that every object knows.
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

/** Whether two rollups say the same. How their sums are kept depends on the order in which readings came. */
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

/** A metric of a rollup as the API shows it: the sum rounded once. */
export interface ShownMetric {
  count: number;
  sum?: number;
  min?: number;
  max?: number;
  mean?: number;
  last: { timestamp: string; value: MetricValue };
}

export function shownMetric({ count, numbers, sum, min, max, last }: MetricRollup): ShownMetric {
  const total = rounded(sum);
  return {
    count,
    ...(numbers > 0 && min !== undefined && max !== undefined && { sum: total, min, max, mean: total / numbers }),
    last: { timestamp: iso(last.at), value: last.value },
  };
}

/** What a check of rollups found. */
export interface CheckedRollups {
  /** Devices whose rollups were compared with their readings. */
  devices: number;
  /** Rollups that were wrong and are right now. */
  replaced: number;
  /** Rollups that looked wrong and changed meanwhile: to be looked at again. */
  unsettled: number;
  /** Devices that could not be checked, because a step for them was refused for good; absent where there is none. */
  skipped?: number;
}

/** What one run of the deletion of old rollups did. */
export interface DeletedRollups {
  /** Days of which the rollups of some resolution were deleted. */
  days: number;
  /**
   * Devices whose rollups of a day could not be deleted, because a step was refused for good; each counts once a day.
   */
  skipped: number;
}
