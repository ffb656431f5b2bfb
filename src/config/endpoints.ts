import type { Config, Fault } from '.';

/** Where the parts are, embedded or real. Absent endpoints mean AWS itself. */
export interface Endpoints {
  dynamodb?: { endpoint: string; credentials?: { accessKeyId: string; secretAccessKey: string } };
  /** With the stream of transactions to read; absent: none is read. */
  kinesis?: { stream: string; endpoint?: string; credentials?: { accessKeyId: string; secretAccessKey: string } };
  /** The stream of readings to read; absent: none is read. */
  readings?: { stream: string; endpoint?: string; credentials?: { accessKeyId: string; secretAccessKey: string } };
  /** Where readings are archived, without an endpoint on AWS; absent: they stay in the table. */
  s3?: { bucket: string; endpoint?: string; credentials?: { accessKeyId: string; secretAccessKey: string } };
  /** The broker that devices send readings to; absent: none. */
  mqtt?: { url: string };
  sagemaker?: { endpoint: string; credentials?: { accessKeyId: string; secretAccessKey: string } };
  /** With an address where it is embedded; else `TEMPORAL_*` variables and Temporal's config file say where and how. */
  temporal: { address?: string; uiUrl?: string };
}

export class MissingEndpointError extends Error {
  override readonly name = 'MissingEndpointError';
}

/** Local endpoints want some credentials and check none; real ones take the SDK's usual chain. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** The bucket where none is named. */
export const DEFAULT_BUCKET = 'longwatch-archive';

/** The stream of transactions where none is named. */
export const DEFAULT_STREAM = 'longwatch-transactions';
/** The stream of readings of the embedded Kinesis. */
export const DEFAULT_READINGS_STREAM = 'longwatch-readings';

/** Returns the settings that a process which embeds nothing lacks; each message names the alternative. */
export function missingEndpoints(config: Config, env: Record<string, string | undefined>): Fault[] {
  const missing: Fault[] = [];
  const need = (name: string, message: string) => missing.push({ name, message: `must be set (nothing is embedded in this mode): ${message}` });
  if (!config.TEMPORAL_ADDRESS && !env['TEMPORAL_PROFILE'] && !env['TEMPORAL_CONFIG_FILE']) need('TEMPORAL_ADDRESS', 'host:port. Or set TEMPORAL_PROFILE, with a Temporal config file');
  if (config.LONGWATCH_AWS) return missing;
  if (!config.DYNAMODB_ENDPOINT) need('DYNAMODB_ENDPOINT', 'a URL. Or set LONGWATCH_AWS=true');
  if (!config.SAGEMAKER_ENDPOINT) need('SAGEMAKER_ENDPOINT', 'a URL. Or set LONGWATCH_AWS=true');
  const stream = (['LONGWATCH_TRANSACTIONS_STREAM', 'LONGWATCH_READINGS_STREAM'] as const).find((name) => config[name] !== undefined);
  if (stream && !config.KINESIS_ENDPOINT) need('KINESIS_ENDPOINT', `a URL, since ${stream} is set. Or set LONGWATCH_AWS=true`);
  return missing;
}

/**
 * The endpoints of a process that embeds nothing (`npm run api`, `npm run worker`).
 * @throws MissingEndpointError naming every variable that is missing.
 */
export function configuredEndpoints(config: Config, env: Record<string, string | undefined>): Endpoints {
  const missing = missingEndpoints(config, env);
  if (missing.length > 0) throw new MissingEndpointError(missing.map(({ name, message }) => `${name} ${message}`).join('\n'));
  const stream = config.LONGWATCH_TRANSACTIONS_STREAM ?? (config.KINESIS_ENDPOINT && DEFAULT_STREAM);
  const bucket = config.LONGWATCH_ARCHIVE_BUCKET ?? (config.S3_ENDPOINT && DEFAULT_BUCKET);
  const local = env['AWS_ACCESS_KEY_ID'] ? {} : { credentials: LOCAL_CREDENTIALS };
  return {
    ...(config.DYNAMODB_ENDPOINT && { dynamodb: { endpoint: config.DYNAMODB_ENDPOINT, ...local } }),
    ...(config.SAGEMAKER_ENDPOINT && { sagemaker: { endpoint: config.SAGEMAKER_ENDPOINT, ...local } }),
    ...(stream && {
      kinesis: {
        stream,
        ...(config.KINESIS_ENDPOINT && { endpoint: config.KINESIS_ENDPOINT, ...local }),
      },
    }),
    ...(config.LONGWATCH_READINGS_STREAM && {
      readings: {
        stream: config.LONGWATCH_READINGS_STREAM,
        ...(config.KINESIS_ENDPOINT && { endpoint: config.KINESIS_ENDPOINT, ...local }),
      },
    }),
    ...(bucket && (config.S3_ENDPOINT || config.LONGWATCH_AWS) && { s3: { bucket, ...(config.S3_ENDPOINT && { endpoint: config.S3_ENDPOINT, ...local }) } }),
    ...(config.MQTT_URL && { mqtt: { url: config.MQTT_URL } }),
    temporal: { ...(config.TEMPORAL_UI_URL && { uiUrl: config.TEMPORAL_UI_URL }) },
  };
}
