import { stringKey, type Tables } from '../tableSpec';

/** The tables of device data. */
export const deviceTables = {
  /** Readings, by device and UTC day (`device#2026-01-31`), in time order (`time#id`). */
  DeviceData: {
    partitionKey: stringKey('DeviceDay'),
    sortKey: stringKey('TimestampSeq'),
    stream: 'NEW_AND_OLD_IMAGES',
  },
  /**
   * By day and hash of the device: the devices with readings (`device#id`), the devices with late readings (`late#id`),
   * and the generation of the day's archive (`#fence`).
   */
  DeviceDays: { partitionKey: stringKey('DayBucket'), sortKey: stringKey('Entry') },
  /** Rollups of a device by resolution and time bucket, updated from the stream of DeviceData. */
  DeviceRollups: { partitionKey: stringKey('Series'), sortKey: stringKey('Bucket') },
  /**
   * A device, or a group by `group#<id>` (Entry = `device`), the newest reading and the states of the alerts of a
   * device (`live`), and the sentinels that the stream reader has passed (`seen#<day>#<id>`).
   */
  Devices: { partitionKey: stringKey('DeviceID'), sortKey: stringKey('Entry') },
  /** Deadlines by hash of the device: a device that has not reported by its deadline gets a silence alert. */
  DeviceDeadlines: { partitionKey: stringKey('Bucket'), sortKey: stringKey('DueAtID') },
  /** The archives of days, and their states. */
  Archives: { partitionKey: stringKey('Archive'), sortKey: stringKey('Day') },
} as const satisfies Tables;
