import { defined } from '../defined';

/** What a device measured: a number, a switch, or a short text. */
export type MetricValue = number | boolean | string;

/** One reading, validated (see readingSchema.ts). */
export interface Reading {
  deviceId: string;
  /** Epoch ms, by the device's clock. */
  timestamp: number;
  metrics: Readonly<Record<string, MetricValue>>;
  status?: string;
  location?: { latitude: number; longitude: number };
}

/**
 * A reading as it is kept, in the table and in the archive alike. What it says is in a form of which there is only
 * one, so that the same reading is the same row, whatever order its metrics came in.
 */
export interface ReadingRow {
  deviceId: string;
  timestamp: number;
  /** Made from what the row says: two different readings of one instant are two rows, the same one twice is one. */
  id: string;
  /** JSON of the metrics, their names sorted. */
  metrics: string;
  status?: string;
  latitude?: number;
  longitude?: number;
}

/** A metric name: starts with a letter and is no name that JavaScript objects already have. */
export const METRIC_NAME = /^(?!constructor$|prototype$)[A-Za-z][A-Za-z0-9_.:-]{0,63}$/;
export const METRIC_NAME_RULE =
  'must be 1 to 64 characters out of letters, digits, "_", ".", ":" and "-", the first a letter, and not ' +
  '"constructor" or "prototype"';

/** What one device may send; each bounds an item that would grow without it. */
export const limits = {
  /** Readings of one HTTP request. */
  batch: 500,
  /** Metrics of one reading. */
  metrics: 50,
  /** Different metric names of one device and day: rollups hold them all. */
  namesPerDay: 200,
  /** Characters of a text metric. */
  text: 256,
  status: 64,
  /** Characters of the metrics as JSON. */
  content: 8_192,
  /** Largest magnitude of a number: sums of any count of them stay finite. */
  magnitude: 1e100,
  /** Milliseconds that a device's clock may be ahead of ours. */
  aheadMs: 5 * 60_000,
} as const;

/** A row without its id. */
export type RowContent = Omit<ReadingRow, 'id'>;

export function rowContent({ deviceId, timestamp, metrics, status, location }: Reading): RowContent {
  const sorted = Object.entries(metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    deviceId,
    timestamp,
    metrics: JSON.stringify(Object.fromEntries(sorted)),
    ...defined({ status }),
    // -0 is 0, here as in JSON.
    ...(location && { latitude: location.latitude + 0, longitude: location.longitude + 0 }),
  };
}

/** What the id is the hash of. Device and instant are left out: they are in the row's key beside it. */
export function identityText({
  metrics,
  status,
  latitude,
  longitude,
}: Omit<RowContent, 'deviceId' | 'timestamp'>): string {
  return JSON.stringify([metrics, status ?? null, latitude ?? null, longitude ?? null]);
}

export function metricsOf(row: Pick<ReadingRow, 'metrics'>): Record<string, MetricValue> {
  return JSON.parse(row.metrics) as Record<string, MetricValue>;
}

/** In the order in which rows are kept: by time, then by id. */
export function compareRows(a: Pick<ReadingRow, 'timestamp' | 'id'>, b: Pick<ReadingRow, 'timestamp' | 'id'>): number {
  return a.timestamp - b.timestamp || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
