import { z } from 'zod';
import { flag, url } from './values';

/** Settings of DynamoDB and of AWS in general. */
export const awsSettings = {
  LONGWATCH_AWS: flag.describe(
    'true: services without an endpoint setting are AWS itself, and only Temporal is embedded',
  ),
  AWS_REGION: z.string().default('us-east-1'),
  LONGWATCH_TABLE_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{0,100}$/)
    .default('longwatch-')
    .describe('Prefix of all table names'),
  DYNAMODB_ENDPOINT: url
    .optional()
    .describe(
      'URL of an external DynamoDB, in place of the embedded one. For AWS itself, set LONGWATCH_AWS=true instead',
    ),
  LONGWATCH_STREAMS_BY: z
    .enum(['workflow', 'lambda'])
    .default('workflow')
    .describe('What reads the streams: workflow: the workers; lambda: AWS Lambda functions'),
  SNS_ENDPOINT: url.optional(),
};
