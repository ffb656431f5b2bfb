import { stringKey, type Tables } from '../tables';

/** The tables of device data. */
export const deviceTables = {
  /** Readings, by device and UTC day (`device#2026-01-31`), in time order (`time#id`). */
  DeviceData: {
    partitionKey: stringKey('DeviceDay'),
    sortKey: stringKey('TimestampSeq'),
    stream: 'NEW_AND_OLD_IMAGES',
  },
  /**
   * Which devices have a day (`device#id`), which of them late (`late#id`), and how often it was archived (`#fence`);
   * by day and hash of the device.
   */
  DeviceDays: { partitionKey: stringKey('DayBucket'), sortKey: stringKey('Entry') },
  /** Rollups of a device, by resolution and stretch of time, kept by the stream of DeviceData. */
  DeviceRollups: { partitionKey: stringKey('Series'), sortKey: stringKey('Bucket') },
  /** A device (Entry = `device`), its newest reading (`latest`), where its alerts stand (`alert#id`). */
  Devices: { partitionKey: stringKey('DeviceID'), sortKey: stringKey('Entry') },
  /** By when a device must have reported, or its silence is an alert; by hash of the device. */
  DeviceDeadlines: { partitionKey: stringKey('Bucket'), sortKey: stringKey('DueAtID') },
  /** Archived days. */
  Archives: { partitionKey: stringKey('Archive'), sortKey: stringKey('Day') },
} as const satisfies Tables;
