import type { PlatformConfig } from '.';
import type { PartName } from './parts';
import type { Fault } from './rules';

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Where an AWS service is; without an endpoint on AWS itself. */
export interface AwsEndpoint {
  endpoint?: string;
  credentials?: Credentials;
}

/** Where the parts are, embedded or real. */
export interface Endpoints {
  dynamodb?: { endpoint: string; credentials?: Credentials };
  /** With the names of the streams to read, by the setting that names each; absent: none is read. */
  kinesis?: AwsEndpoint & { streams: Readonly<Record<string, string>> };
  /** Where readings and standings are archived; absent: they stay in the tables. */
  s3?: AwsEndpoint & { bucket: string };
  /** The broker that devices send readings to; absent: none. */
  mqtt?: { url: string };
  sagemaker?: { endpoint: string; credentials?: Credentials };
  /** With an address where it is embedded; else `TEMPORAL_*` variables and Temporal's config file say where and how. */
  temporal: { address?: string; uiUrl?: string };
}

/** A Kinesis stream that a capability reads. */
export interface KinesisNeed {
  /** The setting that names the stream. */
  setting: string;
  /** The stream's name where the setting has none. */
  fallback: string;
  /** Where the fallback applies: with any local Kinesis, or with the embedded one only. Never on AWS. */
  fallbackWith: 'endpoint' | 'embedded';
}

/** What the capabilities of a process need beside DynamoDB and Temporal. */
export interface PartNeeds {
  /**
   * `required`: the process does not start without it. `embedded`: `npm start` embeds it. `optional`: used where it is
   * configured.
   */
  parts: Readonly<Partial<Record<PartName, 'required' | 'embedded' | 'optional'>>>;
  kinesisStreams: readonly KinesisNeed[];
}

export class MissingEndpointError extends Error {
  override readonly name = 'MissingEndpointError';
}

/** Local endpoints want some credentials and check none; real ones take the SDK's usual chain. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** The bucket where none is named. */
export const DEFAULT_BUCKET = 'longwatch-archive';

/** Returns the settings that a process which embeds nothing lacks; each message names the alternative. */
export function missingEndpoints(
  config: PlatformConfig,
  env: Record<string, string | undefined>,
  { parts, kinesisStreams }: PartNeeds,
): Fault[] {
  const missing: Fault[] = [];
  const need = (name: string, message: string) =>
    missing.push({ name, message: `must be set (nothing is embedded in this mode): ${message}` });
  if (!config.TEMPORAL_ADDRESS && !env['TEMPORAL_PROFILE'] && !env['TEMPORAL_CONFIG_FILE'])
    need('TEMPORAL_ADDRESS', 'host:port. Or set TEMPORAL_PROFILE, with a Temporal config file');
  if (config.LONGWATCH_AWS) return missing;
  if (!config.DYNAMODB_ENDPOINT) need('DYNAMODB_ENDPOINT', 'a URL. Or set LONGWATCH_AWS=true');
  if (parts.sagemaker === 'required' && !config.SAGEMAKER_ENDPOINT)
    need('SAGEMAKER_ENDPOINT', 'a URL. Or set LONGWATCH_AWS=true');
  const stream = kinesisStreams.find(
    ({ setting }) => (config as Record<string, unknown>)[setting] !== undefined,
  )?.setting;
  if (stream && !config.KINESIS_ENDPOINT)
    need('KINESIS_ENDPOINT', `a URL, since ${stream} is set. Or set LONGWATCH_AWS=true`);
  return missing;
}

/**
 * The endpoints of a process that embeds nothing (`npm run api`, `npm run worker`).
 * @param embeds Kinesis is embedded, so that every stream has a fallback.
 * @throws MissingEndpointError naming every variable that is missing.
 */
export function configuredEndpoints(
  config: PlatformConfig,
  env: Record<string, string | undefined>,
  needs: PartNeeds,
  embeds: 'kinesis' | 'nothing' = 'nothing',
): Endpoints {
  const missing = missingEndpoints(config, env, needs);
  if (missing.length > 0)
    throw new MissingEndpointError(missing.map(({ name, message }) => `${name} ${message}`).join('\n'));
  const local = env['AWS_ACCESS_KEY_ID'] ? {} : { credentials: LOCAL_CREDENTIALS };
  const at = (endpoint: string | undefined): AwsEndpoint => (endpoint ? { endpoint, ...local } : {});
  const { parts } = needs;
  const streams = streamsOf(config, needs, embeds);
  const bucket = parts.s3 && (config.LONGWATCH_ARCHIVE_BUCKET ?? (config.S3_ENDPOINT && DEFAULT_BUCKET));
  return {
    ...(config.DYNAMODB_ENDPOINT && { dynamodb: { endpoint: config.DYNAMODB_ENDPOINT, ...local } }),
    ...(parts.sagemaker &&
      config.SAGEMAKER_ENDPOINT && { sagemaker: { endpoint: config.SAGEMAKER_ENDPOINT, ...local } }),
    ...(Object.keys(streams).length > 0 && { kinesis: { ...at(config.KINESIS_ENDPOINT), streams } }),
    ...(bucket && (config.S3_ENDPOINT || config.LONGWATCH_AWS) && { s3: { bucket, ...at(config.S3_ENDPOINT) } }),
    ...(parts.mqtt && config.MQTT_URL && { mqtt: { url: config.MQTT_URL } }),
    temporal: { ...(config.TEMPORAL_UI_URL && { uiUrl: config.TEMPORAL_UI_URL }) },
  };
}

/** The streams to read, by the setting that names each. */
export function streamsOf(
  config: PlatformConfig,
  { kinesisStreams }: PartNeeds,
  embeds: 'kinesis' | 'nothing',
): Record<string, string> {
  const streams: Record<string, string> = {};
  for (const { setting, fallback, fallbackWith } of kinesisStreams) {
    const hasFallback = embeds === 'kinesis' || (fallbackWith === 'endpoint' && config.KINESIS_ENDPOINT !== undefined);
    const name = (config as Record<string, unknown>)[setting] ?? (hasFallback ? fallback : undefined);
    if (name !== undefined) streams[setting] = String(name);
  }
  return streams;
}
