import type { PlatformConfig } from '../config';
import { configuredEndpoints, type Endpoints, LOCAL_CREDENTIALS, type PartNeeds } from '../config/endpoints';
import { defined } from '../domain/defined';
import type { Addresses } from '../local/addresses';
import type { Stack } from '../local/stack';

/**
 * Returns the endpoints of a process with embedded services: each embedded service replaces one that is not configured.
 * Waits until the services have started, except for Temporal: its server may still be building, so only its address is
 * awaited.
 */
export async function endpointsWith(
  stack: Stack,
  config: PlatformConfig,
  env: Record<string, string | undefined>,
  needs: PartNeeds,
): Promise<Endpoints> {
  const [dynamodb, kinesis, s3, mqtt, sagemaker, temporal] = await Promise.all([
    stack.dynamodb,
    stack.kinesis,
    stack.s3,
    stack.mqtt,
    stack.sagemaker,
    stack.temporalAddress,
  ]);
  const configured = configuredEndpoints(
    {
      ...config,
      ...defined({
        DYNAMODB_ENDPOINT: dynamodb?.endpoint,
        KINESIS_ENDPOINT: kinesis?.endpoint,
        S3_ENDPOINT: s3?.endpoint,
        MQTT_URL: mqtt?.url,
        SAGEMAKER_ENDPOINT: sagemaker?.endpoint,
        TEMPORAL_ADDRESS: temporal?.address,
      }),
    },
    env,
    needs,
    kinesis ? 'kinesis' : 'nothing',
  );
  const local = (embedded: unknown) => (embedded ? { credentials: LOCAL_CREDENTIALS } : {});
  return {
    ...(configured.dynamodb && { dynamodb: { ...configured.dynamodb, ...local(dynamodb) } }),
    ...(configured.kinesis && { kinesis: { ...configured.kinesis, ...local(kinesis) } }),
    ...(configured.s3 && { s3: { ...configured.s3, ...local(s3) } }),
    ...defined({ mqtt: configured.mqtt }),
    ...(configured.sagemaker && { sagemaker: { ...configured.sagemaker, ...local(sagemaker) } }),
    temporal: { ...configured.temporal, ...(temporal && { address: temporal.address, uiUrl: temporal.uiUrl }) },
  };
}

/** Returns the address of each service that the capabilities use, for the start screen. */
export function partsOf(endpoints: Endpoints, temporalAddress: string, { parts }: PartNeeds): Addresses['parts'] {
  const { dynamodb, kinesis, s3, mqtt, sagemaker } = endpoints;
  return {
    DynamoDB: dynamodb?.endpoint ?? 'AWS',
    ...(kinesis && { Kinesis: `${kinesis.endpoint ?? 'AWS'} ${Object.values(kinesis.streams).join(' ')}` }),
    ...(s3 && { S3: s3.endpoint ?? 'AWS' }),
    // Without the credentials that the URL may contain.
    ...(mqtt && { MQTT: mqtt.url.replace(/\/\/[^@/]*@/, '//') }),
    ...(parts.sagemaker && { model: sagemaker?.endpoint ?? 'AWS' }),
    Temporal: temporalAddress,
  };
}
