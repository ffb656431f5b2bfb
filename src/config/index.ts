import { z } from 'zod';
import { accessSettings } from './access';
import { awsSettings } from './aws';
import { cartsSettings } from './carts';
import { devicesSettings } from './devices';
import { encryptionSettings } from './encryption';
import { feedsSettings } from './feeds';
import { fraudSettings } from './fraud';
import { leaderboardsSettings } from './leaderboards';
import { notificationsSettings } from './notifications';
import { processSettings } from './process';
import { sessionsSettings } from './sessions';
import { telemetrySettings } from './telemetry';
import { temporalSettings } from './temporal';
import { DAY } from './values';

/**
 * The only reader of the environment. Every variable is listed in the file of what it is for, with its default and
 * meaning; a fault names the variable, what was found and what is wanted, and all faults are reported at once.
 */
const schema = z.object({
  ...processSettings,
  ...accessSettings,
  ...awsSettings,
  ...temporalSettings,
  ...encryptionSettings,
  ...sessionsSettings,
  ...cartsSettings,
  ...leaderboardsSettings,
  ...feedsSettings,
  ...devicesSettings,
  ...fraudSettings,
  ...notificationsSettings,
  ...telemetrySettings,
});

/** What settings ask of each other. */
const checked = schema
  .refine((config) => config.LONGWATCH_JWKS_URL === undefined || config.LONGWATCH_JWT_ISSUER !== undefined, {
    path: ['LONGWATCH_JWT_ISSUER'],
    message: 'must be set with LONGWATCH_JWKS_URL: the `iss` that tokens have',
  })
  // Else whoever is on the way could sign anybody in.
  .refine((config) => config.LONGWATCH_JWKS_URL === undefined || /^https:|^http:\/\/(localhost|127\.[\d.]+|\[::1\])[:/]/.test(config.LONGWATCH_JWKS_URL), {
    path: ['LONGWATCH_JWKS_URL'],
    message: 'must be https, unless it is on this machine',
  })
  .refine((config) => config.LONGWATCH_ERASE_AFTER_MS > config.LONGWATCH_DEVICE_CACHE_MS, { path: ['LONGWATCH_ERASE_AFTER_MS'], message: 'must be more than LONGWATCH_DEVICE_CACHE_MS' })
  // Else a late reading would bring back what was deleted by age.
  .refine((config) => Math.min(config.LONGWATCH_KEEP_MINUTES_DAYS, config.LONGWATCH_KEEP_ARCHIVE_DAYS) * DAY > config.LONGWATCH_LATE_WINDOW_MS + DAY, {
    path: ['LONGWATCH_LATE_WINDOW_MS'],
    message: 'must be shorter, by more than a day, than what LONGWATCH_KEEP_MINUTES_DAYS and LONGWATCH_KEEP_ARCHIVE_DAYS keep',
  })
  .refine((config) => (config.TEMPORAL_DEPLOYMENT_NAME === undefined) === (config.TEMPORAL_WORKER_BUILD_ID === undefined), {
    path: ['TEMPORAL_WORKER_BUILD_ID'],
    message: 'and TEMPORAL_DEPLOYMENT_NAME go together: set both, or neither',
  })
  .refine((config) => config.LONGWATCH_KEEP_MINUTES_DAYS <= config.LONGWATCH_KEEP_HOURS_DAYS && config.LONGWATCH_KEEP_HOURS_DAYS <= config.LONGWATCH_KEEP_DAYS_DAYS, {
    path: ['LONGWATCH_KEEP_DAYS_DAYS'],
    message: 'must be at least LONGWATCH_KEEP_HOURS_DAYS, and that at least LONGWATCH_KEEP_MINUTES_DAYS: a day’s devices are known as long as its rollups by the day are kept',
  });

export type Config = z.infer<typeof schema>;

/** The worker deployment version of a process, where the deployment uses versions. */
export function workerVersion(config: Config): { deploymentName: string; buildId: string; behavior: Config['LONGWATCH_VERSIONING'] } | undefined {
  const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId } = config;
  return deploymentName === undefined || buildId === undefined ? undefined : { deploymentName, buildId, behavior: config.LONGWATCH_VERSIONING };
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Parses the environment. Empty values count as absent.
 * @throws ConfigError with one line per faulty variable.
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = checked.safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => {
    const name = issue.path.join('.');
    const secret = /KEY|SECRET|SMTP_URL|MQTT_URL|WEBHOOK_URL|OTLP_HEADERS/.test(name);
    return `  ${name}: ${issue.message} (found: ${secret ? 'a value that is not shown' : JSON.stringify(given[name])})`;
  });
  throw new ConfigError(`The configuration has ${lines.length} fault(s):\n${lines.join('\n')}`);
}

/** Name, default and meaning of every variable, for `--help` and the docs. */
export function configReference(): { name: string; fallback: string; description: string }[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const json = z.toJSONSchema(type as z.ZodType, { io: 'input', unrepresentable: 'any' });
    return { name, fallback: json.default === undefined ? '' : String(json.default), description: json.description ?? '' };
  });
}
