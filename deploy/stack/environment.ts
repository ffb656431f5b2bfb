import type { Settings } from '../settings';
import type { Data } from './data';

/** Port of a task's API; in a worker, of its health checks and metrics. */
export const PORT = 3000;

/** The values that the environment depends on. */
export interface EnvironmentParts {
  settings: Settings;
  data: Data;
  /** Absent if no capability has a model. */
  endpointName?: string | undefined;
  region: string;
}

/** Returns the environment of every process, without secrets. */
export function environmentOf({ settings, data, endpointName, region }: EnvironmentParts): Record<string, string> {
  return {
    NODE_ENV: 'production',
    AWS_REGION: region,
    LONGWATCH_AWS: 'true',
    LONGWATCH_TABLE_PREFIX: settings.tablePrefix,
    LONGWATCH_CAPABILITIES: settings.capabilities.join(','),
    ...Object.fromEntries([...data.streams].map(([setting, { streamName }]) => [setting, streamName])),
    ...(data.archive && { LONGWATCH_ARCHIVE_BUCKET: data.archive.bucketName }),
    LONGWATCH_STREAMS_BY: settings.functions.includes('streams') ? 'lambda' : 'workflow',
    ...(endpointName !== undefined && { SAGEMAKER_ENDPOINT_NAME: endpointName }),
    TEMPORAL_ADDRESS: settings.temporalAddress,
    TEMPORAL_NAMESPACE: settings.temporalNamespace,
    ...(settings.temporalUiUrl && { TEMPORAL_UI_URL: settings.temporalUiUrl }),
    ...(settings.publicUrl && { LONGWATCH_PUBLIC_URL: settings.publicUrl }),
    ...(settings.snsTopicArn && { LONGWATCH_SNS_TOPIC_ARN: settings.snsTopicArn }),
    ...(settings.payloadKmsKeyArn && { LONGWATCH_PAYLOAD_KMS_KEYS: settings.payloadKmsKeyArn }),
    ...settings.environment,
  };
}
