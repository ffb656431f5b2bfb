import { createHash } from 'node:crypto';
import { defined } from '../../domain/defined';
import type { Day } from '../../domain/devices/days';
import { dayOf } from '../../domain/devices/days';
import type { ReadingRow } from '../../domain/devices/reading';
import { compositeKey, iso } from '../../domain/ids';

/**
 * Number of partitions per day over which devices are spread, so that no partition gets hot and all devices can be
 * listed without a scan.
 */
export const DEVICE_BUCKETS = 16;

/** Returns the bucket of a device, 0 to `DEVICE_BUCKETS` − 1. */
export const bucketOf = (deviceId: string): number =>
  createHash('sha256').update(deviceId).digest().readUInt16BE(0) % DEVICE_BUCKETS;

const twoDigits = (bucket: number): string => String(bucket).padStart(2, '0');

/** Returns the partition key of a day's bucket. */
export const dayBucket = (day: Day, bucket: number): string => compositeKey(day, twoDigits(bucket));

/** Returns the partition key of a device's day. */
export const deviceDay = (deviceId: string, day: Day): string => compositeKey(deviceId, day);

/** Returns the sort key of a reading. */
export const timestampSeq = ({ timestamp, id }: Pick<ReadingRow, 'timestamp' | 'id'>): string =>
  compositeKey(iso(timestamp), id);

/** Returns the key of a reading. */
export const rowKey = (row: Pick<ReadingRow, 'deviceId' | 'timestamp' | 'id'>) => ({
  DeviceDay: deviceDay(row.deviceId, dayOf(row.timestamp)),
  TimestampSeq: timestampSeq(row),
});

/**
 * Converts a reading to its item. The item contains only what the device sent, so a repeated put changes nothing and
 * creates no stream record.
 */
export function rowItem(row: ReadingRow): Record<string, unknown> {
  const { metrics, status, latitude, longitude } = row;
  return {
    ...rowKey(row),
    Metrics: metrics,
    ...defined({ DeviceStatus: status }),
    ...(latitude !== undefined && { Latitude: latitude, Longitude: longitude }),
  };
}

/** Converts an item to a reading. */
export function rowOf(item: Readonly<Record<string, unknown>>): ReadingRow {
  const [deviceId = ''] = (item['DeviceDay'] as string).split('#');
  const [at = '', id = ''] = (item['TimestampSeq'] as string).split('#');
  const { Metrics, DeviceStatus, Latitude, Longitude } = item as {
    Metrics: string;
    DeviceStatus?: string;
    Latitude?: number;
    Longitude?: number;
  };
  return {
    deviceId,
    timestamp: Date.parse(at),
    id,
    metrics: Metrics,
    ...defined({ status: DeviceStatus }),
    ...(Latitude !== undefined && Longitude !== undefined && { latitude: Latitude, longitude: Longitude }),
  };
}
