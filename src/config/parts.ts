import { z } from 'zod';
import { url } from './values';

/**
 * Settings of the services besides DynamoDB and Temporal. A process has the settings of the services that its
 * capabilities use.
 */
export const partSettings = {
  sagemaker: { SAGEMAKER_ENDPOINT: url.optional().describe('SageMaker runtime other than the embedded one') },
  kinesis: { KINESIS_ENDPOINT: url.optional().describe('Kinesis other than the embedded one') },
  s3: {
    S3_ENDPOINT: url.optional().describe('S3 other than the embedded one'),
    LONGWATCH_ARCHIVE_BUCKET: z
      .string()
      .regex(/^[a-z0-9.-]{3,63}$/, 'must be the name of an S3 bucket')
      .optional()
      .describe(
        'Bucket that readings and finished seasons are archived to: on AWS the one that is there, without which ' +
          'nothing is archived; elsewhere it is made, and by default longwatch-archive',
      ),
  },
  mqtt: {
    MQTT_URL: z
      .url({ protocol: /^(mqtts?|wss?)$/ })
      .optional()
      .describe('MQTT broker other than the embedded one: mqtts://user:password@host:8883'),
  },
} as const satisfies Record<string, z.ZodRawShape>;

/** Name of such a service. */
export type PartName = keyof typeof partSettings;
