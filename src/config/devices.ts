import { z } from 'zod';
import type { SettingRule } from './rules';
import { cron, DAY, duration, flag, HOUR, integer } from './values';

/** Settings of devices: readings, their archive and the MQTT broker. */
export const devicesSettings = {
  LONGWATCH_READINGS_STREAM: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be the name of a Kinesis stream')
    .optional()
    .describe(
      'Kinesis stream of readings; default longwatch-readings where Kinesis is embedded, else none is read ' +
        'unless this names it',
    ),
  LONGWATCH_LATE_WINDOW_MS: duration(7 * 24 * HOUR).describe('Readings older than this are refused'),
  LONGWATCH_REGISTERED_DEVICES: flag.describe('true: readings of devices that were not registered are refused'),
  LONGWATCH_DEVICE_CACHE_MS: duration(30_000).describe(
    'How long a process goes by what it read of a device: registration, groups, alerts',
  ),
  LONGWATCH_ERASE_AFTER_MS: duration(90_000).describe(
    'From the request to erase a device to the first deletion: every process has heard of it by then, and ended ' +
      'its writes',
  ),
  LONGWATCH_ARCHIVE_CRON: cron('30 * * * *').describe(
    'When it is looked for days to archive and to let go of, cron in UTC',
  ),
  LONGWATCH_ARCHIVE_AFTER_MS: duration(24 * HOUR).describe('A day of readings is archived so long after its end'),
  LONGWATCH_ARCHIVE_FILE_BYTES: integer(128 * 1024 * 1024, 64 * 1024, 2 ** 32).describe(
    'Size at which a file of the archive is closed',
  ),
  LONGWATCH_KEEP_MINUTES_DAYS: integer(31, 1, 36_500).describe('Days that rollups by the minute are kept'),
  LONGWATCH_KEEP_HOURS_DAYS: integer(400, 1, 36_500).describe('Days that rollups by the hour are kept'),
  LONGWATCH_KEEP_DAYS_DAYS: integer(3_650, 1, 36_500).describe('Days that rollups by the day are kept'),
  LONGWATCH_KEEP_ARCHIVE_DAYS: integer(3_650, 1, 36_500).describe('Days that archived readings are kept'),
  LONGWATCH_KEEP_RESTORED_DAYS: integer(7, 1, 36_500).describe(
    'Days that restored readings stay in the table before they are archived again',
  ),
  MQTT_CA_FILE: z.string().optional().describe('PEM file of the authority that signed the broker’s certificate'),
  MQTT_CERT_FILE: z.string().optional().describe('PEM file of our certificate, as AWS IoT Core wants one'),
  MQTT_KEY_FILE: z.string().optional().describe('PEM file of its key'),
  MQTT_CLIENT_ID: z
    .string()
    .max(100)
    .default('longwatch')
    .describe('Of the broker’s session, which keeps what comes while we are away: another one for each process'),
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
    message:
      'must be shorter, by more than a day, than what LONGWATCH_KEEP_MINUTES_DAYS and LONGWATCH_KEEP_ARCHIVE_DAYS keep',
    holds: (config) =>
      Math.min(config.LONGWATCH_KEEP_MINUTES_DAYS, config.LONGWATCH_KEEP_ARCHIVE_DAYS) * DAY >
      config.LONGWATCH_LATE_WINDOW_MS + DAY,
  },
  {
    name: 'LONGWATCH_KEEP_DAYS_DAYS',
    of: ['LONGWATCH_KEEP_MINUTES_DAYS', 'LONGWATCH_KEEP_HOURS_DAYS', 'LONGWATCH_KEEP_DAYS_DAYS'],
    message:
      'must be at least LONGWATCH_KEEP_HOURS_DAYS, and that at least LONGWATCH_KEEP_MINUTES_DAYS: a day’s ' +
      'devices are known as long as its rollups by the day are kept',
    holds: (config) =>
      config.LONGWATCH_KEEP_MINUTES_DAYS <= config.LONGWATCH_KEEP_HOURS_DAYS &&
      config.LONGWATCH_KEEP_HOURS_DAYS <= config.LONGWATCH_KEEP_DAYS_DAYS,
  },
];
