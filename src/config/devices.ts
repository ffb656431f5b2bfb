import { z } from 'zod';
import type { SettingRule } from './rules';
import { cron, DAY, duration, flag, HOUR, integer } from './values';

/** Settings of devices: readings, their archive and the MQTT broker. */
export const devicesSettings = {
  LONGWATCH_READINGS_STREAM: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be the name of a Kinesis stream')
    .optional()
    .describe('Kinesis stream of readings. Default: longwatch-readings with the embedded Kinesis, otherwise none'),
  LONGWATCH_LATE_WINDOW_MS: duration(7 * 24 * HOUR).describe('Maximum age of a reading; older readings are rejected'),
  LONGWATCH_REGISTERED_DEVICES: flag.describe('true: readings of unregistered devices are rejected'),
  LONGWATCH_DEVICE_CACHE_MS: duration(30_000).describe(
    'Time for which a process caches a device’s registration, groups and alert rules',
  ),
  LONGWATCH_ERASE_AFTER_MS: duration(90_000).describe(
    'Time between the request to erase a device and the first deletion. By then every process has read ' +
      'the request and has finished its writes for the device',
  ),
  LONGWATCH_ARCHIVE_CRON: cron('30 * * * *').describe(
    'Cron (UTC) of the archiver’s scan, which archives finished days and deletes expired ones',
  ),
  LONGWATCH_ARCHIVE_AFTER_MS: duration(24 * HOUR).describe('Time after its end at which a day of readings is archived'),
  LONGWATCH_ARCHIVE_FILE_BYTES: integer(128 * 1024 * 1024, 64 * 1024, 2 ** 32).describe(
    'Size in bytes at which a file of the archive is closed and the next one begins',
  ),
  LONGWATCH_KEEP_MINUTES_DAYS: integer(31, 1, 36_500).describe('Retention of rollups by the minute, in days'),
  LONGWATCH_KEEP_HOURS_DAYS: integer(400, 1, 36_500).describe('Retention of rollups by the hour, in days'),
  LONGWATCH_KEEP_DAYS_DAYS: integer(3_650, 1, 36_500).describe('Retention of rollups by the day, in days'),
  LONGWATCH_KEEP_ARCHIVE_DAYS: integer(3_650, 1, 36_500).describe('Retention of archived readings, in days'),
  LONGWATCH_KEEP_RESTORED_DAYS: integer(7, 1, 36_500).describe(
    'Days that restored readings stay in the table before they are archived again',
  ),
  MQTT_CA_FILE: z
    .string()
    .optional()
    .describe('PEM file of the certificate authority that signed the broker’s certificate'),
  MQTT_CERT_FILE: z.string().optional().describe('PEM file of the client certificate, which AWS IoT Core requires'),
  MQTT_KEY_FILE: z.string().optional().describe('PEM file of the client certificate’s private key'),
  MQTT_CLIENT_ID: z
    .string()
    .max(100)
    .default('longwatch')
    .describe('MQTT client id, unique per process. The broker queues messages for it while the process is down'),
};

/** Rules between these settings. */
export const devicesRules: readonly SettingRule<typeof devicesSettings>[] = [
  {
    name: 'LONGWATCH_ERASE_AFTER_MS',
    of: ['LONGWATCH_ERASE_AFTER_MS', 'LONGWATCH_DEVICE_CACHE_MS'],
    message: 'must be more than LONGWATCH_DEVICE_CACHE_MS',
    holds: (config) => config.LONGWATCH_ERASE_AFTER_MS > config.LONGWATCH_DEVICE_CACHE_MS,
  },
  {
    // Otherwise a late reading would recreate data that was deleted at the end of its retention.
    name: 'LONGWATCH_LATE_WINDOW_MS',
    of: ['LONGWATCH_KEEP_MINUTES_DAYS', 'LONGWATCH_KEEP_ARCHIVE_DAYS', 'LONGWATCH_LATE_WINDOW_MS'],
    message: 'must be more than a day shorter than LONGWATCH_KEEP_MINUTES_DAYS and LONGWATCH_KEEP_ARCHIVE_DAYS',
    holds: (config) =>
      Math.min(config.LONGWATCH_KEEP_MINUTES_DAYS, config.LONGWATCH_KEEP_ARCHIVE_DAYS) * DAY >
      config.LONGWATCH_LATE_WINDOW_MS + DAY,
  },
  {
    name: 'LONGWATCH_KEEP_DAYS_DAYS',
    of: ['LONGWATCH_KEEP_MINUTES_DAYS', 'LONGWATCH_KEEP_HOURS_DAYS', 'LONGWATCH_KEEP_DAYS_DAYS'],
    message:
      'must be at least LONGWATCH_KEEP_HOURS_DAYS, which must be at least LONGWATCH_KEEP_MINUTES_DAYS: ' +
      'the rollups by the day list a day’s devices',
    holds: (config) =>
      config.LONGWATCH_KEEP_MINUTES_DAYS <= config.LONGWATCH_KEEP_HOURS_DAYS &&
      config.LONGWATCH_KEEP_HOURS_DAYS <= config.LONGWATCH_KEEP_DAYS_DAYS,
  },
];
