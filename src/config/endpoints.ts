import type { PlatformConfig } from '.';
import type { ServiceName } from './services';
import type { Fault } from './rules';

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Address of an AWS service; without an endpoint, AWS's own. */
export interface AwsEndpoint {
  endpoint?: string;
  credentials?: Credentials;
}

/** Addresses of the services that a process uses, embedded or external. */
export interface Endpoints {
  dynamodb?: { endpoint: string; credentials?: Credentials };
  /**
   * Kinesis, and the names of the streams to read by the setting that names each. Absent: the process reads no stream.
   */
  kinesis?: AwsEndpoint & { streams: Readonly<Record<string, string>> };
  /** Bucket for archived readings and standings. Absent: nothing is archived and the data stays in the tables. */
  s3?: AwsEndpoint & { bucket: string };
  /** Broker to which devices send readings. Absent: none. */
  mqtt?: { url: string };
  sagemaker?: { endpoint: string; credentials?: Credentials };
  /**
   * Temporal. The address is set for the embedded server; otherwise the `TEMPORAL_*` variables and Temporal's config
   * file apply.
   */
  temporal: { address?: string; uiUrl?: string };
}

/** A Kinesis stream that a capability reads. */
export interface KinesisNeed {
  /** Name of the setting that names the stream. */
  setting: string;
  /** Name of the stream if the setting is not set. */
  fallback: string;
  /**
   * When the fallback applies: with any local Kinesis endpoint, or only with the embedded Kinesis. It never applies on
   * AWS.
   */
  fallbackWith: 'endpoint' | 'embedded';
}

/** What the capabilities of a process need besides DynamoDB and Temporal. */
export interface PartNeeds {
  /**
   * `required`: the process does not start without the service. `embedded`: `npm start` embeds it. `optional`: used if
   * it is configured.
   */
  parts: Readonly<Partial<Record<ServiceName, 'required' | 'embedded' | 'optional'>>>;
  kinesisStreams: readonly KinesisNeed[];
}

/** A process that embeds nothing lacks the addresses of services. */
export class MissingEndpointError extends Error {
  override readonly name = 'MissingEndpointError';
}

/** Local endpoints require credentials but do not check them. AWS uses the SDK's default credential chain. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** Name of the bucket if the setting names none. */
export const DEFAULT_BUCKET = 'longwatch-archive';

/** Returns a fault for each missing setting of a process that embeds nothing. Each message names the alternatives. */
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
 * Returns the endpoints of a process that embeds nothing (`npm run api`, `npm run worker`).
 * @param embeds `kinesis` if Kinesis is embedded; then every stream has its fallback name
 * @throws MissingEndpointError naming every missing variable
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

/** Returns the names of the streams to read, by the setting that names each. */
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
