import { z } from 'zod';
import { nearestName } from '../domain/nearest';
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

/** A fault of one setting. */
export interface Fault {
  /** The variable. */
  name: string;
  /** What is allowed, and the next step. */
  message: string;
}

/** What settings ask of each other; `of` are the settings that a rule reads. */
interface Rule extends Fault {
  of: readonly (keyof Config)[];
  holds(config: Config): boolean;
}

const rules: readonly Rule[] = [
  {
    name: 'LONGWATCH_JWT_ISSUER',
    of: ['LONGWATCH_JWKS_URL', 'LONGWATCH_JWT_ISSUER'],
    message: 'must be set with LONGWATCH_JWKS_URL: the `iss` that tokens have',
    holds: (config) => config.LONGWATCH_JWKS_URL === undefined || config.LONGWATCH_JWT_ISSUER !== undefined,
  },
  {
    // Else an attacker on the network path could sign anybody in.
    name: 'LONGWATCH_JWKS_URL',
    of: ['LONGWATCH_JWKS_URL'],
    message: 'must be https, unless it is on this machine',
    holds: (config) => config.LONGWATCH_JWKS_URL === undefined || /^https:|^http:\/\/(localhost|127\.[\d.]+|\[::1\])[:/]/.test(config.LONGWATCH_JWKS_URL),
  },
  {
    name: 'LONGWATCH_ERASE_AFTER_MS',
    of: ['LONGWATCH_ERASE_AFTER_MS', 'LONGWATCH_DEVICE_CACHE_MS'],
    message: 'must be more than LONGWATCH_DEVICE_CACHE_MS',
    holds: (config) => config.LONGWATCH_ERASE_AFTER_MS > config.LONGWATCH_DEVICE_CACHE_MS,
  },
  {
    // Else a late reading would bring back what was deleted by age.
    name: 'LONGWATCH_LATE_WINDOW_MS',
    of: ['LONGWATCH_KEEP_MINUTES_DAYS', 'LONGWATCH_KEEP_ARCHIVE_DAYS', 'LONGWATCH_LATE_WINDOW_MS'],
    message: 'must be shorter, by more than a day, than what LONGWATCH_KEEP_MINUTES_DAYS and LONGWATCH_KEEP_ARCHIVE_DAYS keep',
    holds: (config) => Math.min(config.LONGWATCH_KEEP_MINUTES_DAYS, config.LONGWATCH_KEEP_ARCHIVE_DAYS) * DAY > config.LONGWATCH_LATE_WINDOW_MS + DAY,
  },
  {
    name: 'TEMPORAL_WORKER_BUILD_ID',
    of: ['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_WORKER_BUILD_ID'],
    message: 'and TEMPORAL_DEPLOYMENT_NAME go together: set both, or neither',
    holds: (config) => (config.TEMPORAL_DEPLOYMENT_NAME === undefined) === (config.TEMPORAL_WORKER_BUILD_ID === undefined),
  },
  {
    name: 'LONGWATCH_KEEP_DAYS_DAYS',
    of: ['LONGWATCH_KEEP_MINUTES_DAYS', 'LONGWATCH_KEEP_HOURS_DAYS', 'LONGWATCH_KEEP_DAYS_DAYS'],
    message: 'must be at least LONGWATCH_KEEP_HOURS_DAYS, and that at least LONGWATCH_KEEP_MINUTES_DAYS: a day’s devices are known as long as its rollups by the day are kept',
    holds: (config) => config.LONGWATCH_KEEP_MINUTES_DAYS <= config.LONGWATCH_KEEP_HOURS_DAYS && config.LONGWATCH_KEEP_HOURS_DAYS <= config.LONGWATCH_KEEP_DAYS_DAYS,
  },
];

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
 * @param further finds what a kind of process needs beside valid settings. Where a setting is faulty it sees the default.
 * @throws ConfigError with one line for every faulty setting, all in one go.
 */
export function readConfig(env: Record<string, string | undefined> = process.env, further: (config: Config) => readonly Fault[] = () => []): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const faults: Fault[] = [];
  const values = Object.entries(schema.shape).map(([name, type]) => {
    const { success, data, error } = (type as z.ZodType).safeParse(given[name]);
    if (success) return [name, data];
    faults.push({ name, message: error.issues.map(({ message }) => message).join('; ') });
    return [name, (type as z.ZodType).safeParse(undefined).data];
  });
  const config = Object.fromEntries(values) as Config;
  const isFaulty = (name: string) => faults.some((fault) => fault.name === name);
  // A rule over a setting that is faulty by itself would tell the same fault twice.
  const ofAll = [...rules.filter(({ of, holds }) => !of.some(isFaulty) && !holds(config)), ...further(config).filter(({ name }) => !isFaulty(name))];
  faults.push(...ofAll);
  if (faults.length > 0) throw new ConfigError(`The configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  ${lineOf(fault, given[fault.name])}`).join('\n')}`);
  return config;
}

function lineOf({ name, message }: Fault, found: string | undefined): string {
  if (found === undefined) return `${name}: ${message}`;
  const secret = /KEY|SECRET|SMTP_URL|MQTT_URL|WEBHOOK_URL|OTLP_HEADERS/.test(name);
  return `${name}: ${message} (found: ${secret ? 'a value that is not shown' : JSON.stringify(found)})`;
}

/** Settings that other readers of the environment know: Temporal's own, our commands' and our tests'. */
const KNOWN_ELSEWHERE = [
  ...['ADDRESS', 'NAMESPACE', 'API_KEY', 'TLS', 'CONFIG_FILE', 'PROFILE', 'CODEC_ENDPOINT', 'CODEC_AUTH'].map((name) => `TEMPORAL_${name}`),
  ...['CLIENT_CERT_PATH', 'CLIENT_CERT_DATA', 'CLIENT_KEY_PATH', 'CLIENT_KEY_DATA', 'SERVER_CA_CERT_PATH', 'SERVER_CA_CERT_DATA', 'SERVER_NAME', 'DISABLE_HOST_VERIFICATION'].map((name) => `TEMPORAL_TLS_${name}`),
  ...['API_KEY', 'SECRET_ID', 'DEPLOY_SETTINGS', 'RECORD', 'RECORD_GRANTS', 'PICTURES'].map((name) => `LONGWATCH_${name}`),
];
const PREFIX = /^(LONGWATCH|TEMPORAL)_/;
/** What Kubernetes sets for services that are called longwatch or temporal. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)$/;

/** Returns a sentence for every LONGWATCH_* or TEMPORAL_* variable that nothing reads, with the setting that it may have meant. */
export function unknownSettings(env: Record<string, string | undefined> = process.env): string[] {
  const known = [...Object.keys(schema.shape), ...KNOWN_ELSEWHERE];
  return Object.entries(env)
    .filter(([name, value]) => PREFIX.test(name) && value && !known.includes(name) && !name.startsWith('TEMPORAL_GRPC_META_') && !SERVICE_LINK.test(name) && !value.startsWith('tcp://'))
    .map(([name]) => {
      const nearest = nearestName(name, known, PREFIX);
      return `${name} is not a setting and has no effect${nearest === undefined ? '; --help lists all settings' : `; did you mean ${nearest}?`}`;
    });
}

/** Name, default and meaning of every variable, for `--help` and the docs. */
export function configReference(): { name: string; fallback: string; description: string }[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const json = z.toJSONSchema(type as z.ZodType, { io: 'input', unrepresentable: 'any' });
    return { name, fallback: json.default === undefined ? '' : String(json.default), description: json.description ?? '' };
  });
}
