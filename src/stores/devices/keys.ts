import { createHash } from 'node:crypto';
import { defined } from '../../domain/defined';
import type { Day } from '../../domain/devices/days';
import { dayOf } from '../../domain/devices/days';
import { identityText, type ReadingRow, type RowContent } from '../../domain/devices/reading';
import { compositeKey, iso } from '../../domain/ids';

/** Devices are spread over this many partitions a day, so that none is hot and all can be listed without a scan. */
export const DEVICE_BUCKETS = 16;

export const bucketOf = (deviceId: string): number =>
  createHash('sha256').update(deviceId).digest().readUInt16BE(0) % DEVICE_BUCKETS;

const twoDigits = (bucket: number): string => String(bucket).padStart(2, '0');

export const dayBucket = (day: Day, bucket: number): string => compositeKey(day, twoDigits(bucket));

export const deviceDay = (deviceId: string, day: Day): string => compositeKey(deviceId, day);

export const timestampSeq = ({ timestamp, id }: Pick<ReadingRow, 'timestamp' | 'id'>): string =>
  compositeKey(iso(timestamp), id);

/** 96 bits of a hash: two different readings of one device and instant share them once in 10^28 pairs. */
export function withId(content: RowContent): ReadingRow {
  return {
    ...content,
    id: createHash('sha256').update(identityText(content)).digest().subarray(0, 12).toString('base64url'),
  };
}

export const rowKey = (row: Pick<ReadingRow, 'deviceId' | 'timestamp' | 'id'>) => ({
  DeviceDay: deviceDay(row.deviceId, dayOf(row.timestamp)),
  TimestampSeq: timestampSeq(row),
});

/** An item holds nothing but what was sent: put again it changes nothing, and a stream carries no record of it. */
export function rowItem(row: ReadingRow): Record<string, unknown> {
  const { metrics, status, latitude, longitude } = row;
  return {
    ...rowKey(row),
    Metrics: metrics,
    ...defined({ DeviceStatus: status }),
    ...(latitude !== undefined && { Latitude: latitude, Longitude: longitude }),
  };
}

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
