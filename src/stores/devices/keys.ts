import { createHash } from 'node:crypto';
import type { Day } from '../../domain/devices/days';
import { dayOf } from '../../domain/devices/days';
import type { ReadingRow } from '../../domain/devices/reading';
import { compositeKey, iso } from '../../domain/ids';
import { composite, flag, type Item, itemType, number, optional, text } from '../items';
import { deviceTables } from './tables';

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

const content = {
  metrics: text('Metrics'),
  status: optional(text('DeviceStatus')),
  latitude: optional(number('Latitude')),
  longitude: optional(number('Longitude')),
};
const contentItems = itemType(deviceTables, 'DeviceData', content);
const storedItems = itemType(deviceTables, 'DeviceData', { ...content, restored: optional(flag<true>('Restored')) });
const keyItems = itemType(deviceTables, 'DeviceData', {
  device: composite('DeviceDay'),
  timeId: composite('TimestampSeq'),
});

/** A row of the table. `restored` if the archive has it, too. */
export interface StoredRow extends ReadingRow {
  restored?: true;
}

/**
 * Converts a reading to its item. The item contains only what the device sent, so a repeated put changes nothing and
 * creates no stream record.
 */
export const rowItem = (row: ReadingRow): Item => contentItems.write(row, rowKey(row));

/** Converts a reading that is restored from the archive to its item. */
export const restoredItem = (row: ReadingRow): Item => storedItems.write({ ...row, restored: true }, rowKey(row));

/** Converts an item to a reading. Runs for each row; two spreads instead of `Object.assign` take five times as long. */
export const rowOf = (item: Item): ReadingRow => Object.assign(rowKeyOf(item), contentItems.read(item));

/** Converts an item to a row of the table. */
export const storedRowOf = (item: Item): StoredRow => Object.assign(rowKeyOf(item), storedItems.read(item));

function rowKeyOf(item: Item): Pick<ReadingRow, 'deviceId' | 'timestamp' | 'id'> {
  const { device, timeId } = keyItems.read(item);
  const [at = '', id = ''] = timeId;
  return { deviceId: device[0] ?? '', timestamp: Date.parse(at), id };
}

/** Returns the device, day and id of a sentinel. */
export function sentinelOf(item: Item): { deviceId: string; day: Day; id: string } {
  const { device, timeId } = keyItems.read(item);
  const [deviceId = '', day = ''] = device;
  return { deviceId, day, id: timeId[1] ?? '' };
}
