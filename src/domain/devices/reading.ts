import { defined } from '../defined';

/** A measured value: a number, a switch, or a short text. */
export type MetricValue = number | boolean | string;

/** One validated reading (see readingSchema.ts). */
export interface Reading {
  deviceId: string;
  /** Epoch ms by the device's clock. */
  timestamp: number;
  metrics: Readonly<Record<string, MetricValue>>;
  status?: string;
  location?: { latitude: number; longitude: number };
}

/**
 * A reading in the form of the table and the archive. The form is canonical: the same reading gives the same row,
 * whatever the order of its metrics.
 */
export interface ReadingRow {
  deviceId: string;
  timestamp: number;
  /** A hash of the content: the same reading twice is one row, two different readings of one instant are two rows. */
  id: string;
  /** JSON of the metrics, sorted by name. */
  metrics: string;
  status?: string;
  latitude?: number;
  longitude?: number;
}

/** A row without its id. */
export type RowContent = Omit<ReadingRow, 'id'>;

/** Returns the canonical row of a reading, without its id. */
export function rowContent({ deviceId, timestamp, metrics, status, location }: Reading): RowContent {
  const sorted = Object.entries(metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    deviceId,
    timestamp,
    metrics: JSON.stringify(Object.fromEntries(sorted)),
    ...defined({ status }),
    // Adding 0 turns -0 into 0, as in JSON.
    ...(location && { latitude: location.latitude + 0, longitude: location.longitude + 0 }),
  };
}

/** Returns the metrics of a row. */
export function metricsOf(row: Pick<ReadingRow, 'metrics'>): Record<string, MetricValue> {
  return JSON.parse(row.metrics) as Record<string, MetricValue>;
}

/** Compares rows in the order of the table: by time, then by id. */
export function compareRows(a: Pick<ReadingRow, 'timestamp' | 'id'>, b: Pick<ReadingRow, 'timestamp' | 'id'>): number {
  return a.timestamp - b.timestamp || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
