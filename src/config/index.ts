import { z } from 'zod';
import { accessSettings } from './access';
import { awsSettings } from './aws';
import { encryptionSettings } from './encryption';
import { notificationsSettings } from './notifications';
import { type ServiceName, serviceSettings } from './services';
import { processSettings } from './process';
import type { Fault, SettingRule, SettingsGroup, SettingsOf } from './rules';
import { telemetrySettings } from './telemetry';
import { temporalSettings } from './temporal';

/** Settings that every process has, with any capabilities. */
export const platformSettings = {
  ...processSettings,
  ...accessSettings,
  ...awsSettings,
  ...temporalSettings,
  ...encryptionSettings,
  ...notificationsSettings,
  ...telemetrySettings,
};

const platformRules: readonly SettingRule<typeof platformSettings>[] = [
  {
    name: 'LONGWATCH_JWT_ISSUER',
    of: ['LONGWATCH_JWKS_URL', 'LONGWATCH_JWT_ISSUER'],
    message: 'must be set together with LONGWATCH_JWKS_URL: the `iss` of the tokens',
    holds: (config) => config.LONGWATCH_JWKS_URL === undefined || config.LONGWATCH_JWT_ISSUER !== undefined,
  },
  {
    // Otherwise an attacker on the network path could replace the keys and sign valid tokens.
    name: 'LONGWATCH_JWKS_URL',
    of: ['LONGWATCH_JWKS_URL'],
    message: 'must be https, except for a loopback address',
    holds: (config) =>
      config.LONGWATCH_JWKS_URL === undefined ||
      /^https:|^http:\/\/(localhost|127\.[\d.]+|\[::1\])[:/]/.test(config.LONGWATCH_JWKS_URL),
  },
  {
    name: 'TEMPORAL_WORKER_BUILD_ID',
    of: ['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_WORKER_BUILD_ID'],
    message: 'and TEMPORAL_DEPLOYMENT_NAME must be set together or not at all',
    holds: (config) =>
      (config.TEMPORAL_DEPLOYMENT_NAME === undefined) === (config.TEMPORAL_WORKER_BUILD_ID === undefined),
  },
];

/** Values of the platform's settings and those of the services. A service that no capability uses has its defaults. */
export type PlatformConfig = SettingsOf<
  typeof platformSettings &
    (typeof serviceSettings)['sagemaker'] &
    (typeof serviceSettings)['kinesis'] &
    (typeof serviceSettings)['s3'] &
    (typeof serviceSettings)['mqtt']
>;

/**
 * Returns the settings of a process, by group: the platform's, those of the services it uses, and its capabilities'.
 */
export function settingsGroups(parts: readonly ServiceName[], capabilities: readonly SettingsGroup[]): SettingsGroup[] {
  return [
    { settings: platformSettings, settingRules: platformRules } as unknown as SettingsGroup,
    ...parts.map((part) => ({ settings: serviceSettings[part] })),
    ...capabilities,
  ];
}

const shapeOf = (groups: readonly SettingsGroup[]): z.ZodRawShape =>
  Object.assign({}, ...groups.map(({ settings }) => settings)) as z.ZodRawShape;

/** Returns the worker deployment version of a process; undefined if the deployment does not use versions. */
export function workerVersion(
  config: PlatformConfig,
): { deploymentName: string; buildId: string; behavior: PlatformConfig['LONGWATCH_VERSIONING'] } | undefined {
  const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId } = config;
  return deploymentName === undefined || buildId === undefined
    ? undefined
    : { deploymentName, buildId, behavior: config.LONGWATCH_VERSIONING };
}

export type { Fault, SettingsGroup, SettingsOf } from './rules';

/** The environment has faulty or missing settings. The message has one line per fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Parses the environment; no other code reads settings from it. An empty value counts as absent.
 * @param further finds additional faults for this kind of process. It gets the default in place of each faulty setting
 * @throws ConfigError with one line for each faulty setting: the variable, the allowed values and the value found
 */
export function parseEnvironment<C>(
  groups: readonly SettingsGroup[],
  env: Record<string, string | undefined>,
  further: (config: C) => readonly Fault[],
): C {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const faults: Fault[] = [];
  const values = Object.entries(shapeOf(groups)).map(([name, type]) => {
    const { success, data, error } = (type as z.ZodType).safeParse(given[name]);
    if (success) return [name, data];
    faults.push({ name, message: error.issues.map(({ message }) => message).join('; ') });
    return [name, (type as z.ZodType).safeParse(undefined).data];
  });
  const config = Object.fromEntries(values) as C;
  const isFaulty = (name: PropertyKey) => faults.some((fault) => fault.name === name);
  // A rule about a setting that is itself faulty would report the same fault twice.
  const broken = groups
    .flatMap(({ settingRules = [] }) => settingRules)
    .filter(({ of, holds }) => !of.some(isFaulty) && !holds(config as never));
  faults.push(...broken, ...further(config).filter(({ name }) => !isFaulty(name)));
  const lines = faults.map((fault) => `  ${lineOf(fault, given[fault.name])}`);
  if (faults.length > 0) throw new ConfigError(`The configuration has ${faults.length} fault(s):\n${lines.join('\n')}`);
  return config;
}

function lineOf({ name, message }: Fault, found: string | undefined): string {
  if (found === undefined) return `${name}: ${message}`;
  const secret = /KEY|SECRET|SMTP_URL|MQTT_URL|WEBHOOK_URL|OTLP_HEADERS/.test(name);
  return `${name}: ${message} (found: ${secret ? 'a value that is not shown' : JSON.stringify(found)})`;
}

/** Returns name, default and description of every setting, for `--help` and the docs. */
export function settingsReference(
  groups: readonly SettingsGroup[],
): { name: string; fallback: string; description: string }[] {
  return Object.entries(shapeOf(groups)).map(([name, type]) => {
    const json = z.toJSONSchema(type as z.ZodType, { io: 'input', unrepresentable: 'any' });
    return {
      name,
      fallback: json.default === undefined ? '' : String(json.default),
      description: json.description ?? '',
    };
  });
}
