import { z } from 'zod';
import { url } from './values';

/**
 * Settings of the services besides DynamoDB and Temporal. A process has the settings of the services that its
 * capabilities use.
 */
export const serviceSettings = {
  sagemaker: {
    SAGEMAKER_ENDPOINT: url.optional().describe('URL of an external SageMaker runtime, in place of the embedded one'),
  },
  kinesis: { KINESIS_ENDPOINT: url.optional().describe('URL of an external Kinesis, in place of the embedded one') },
  s3: {
    S3_ENDPOINT: url.optional().describe('URL of an external S3, in place of the embedded one'),
    LONGWATCH_ARCHIVE_BUCKET: z
      .string()
      .regex(/^[a-z0-9.-]{3,63}$/, 'must be the name of an S3 bucket')
      .optional()
      .describe(
        'S3 bucket for archived readings and finished seasons. On AWS an existing bucket; without it ' +
          'nothing is archived. Elsewhere the bucket is created; default longwatch-archive',
      ),
  },
  mqtt: {
    MQTT_URL: z
      .url({ protocol: /^(mqtts?|wss?)$/ })
      .optional()
      .describe('URL of an external MQTT broker, in place of the embedded one: mqtts://user:password@host:8883'),
  },
} as const satisfies Record<string, z.ZodRawShape>;

/** Name of such a service. */
export type ServiceName = keyof typeof serviceSettings;
