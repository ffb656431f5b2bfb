import { z } from 'zod';
import { flag, url } from './values';

/** Settings of DynamoDB and of AWS in general. */
export const awsSettings = {
  LONGWATCH_AWS: flag.describe(
    'true: parts without an endpoint of their own are AWS itself, nothing is embedded but Temporal',
  ),
  AWS_REGION: z.string().default('us-east-1'),
  LONGWATCH_TABLE_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{0,100}$/)
    .default('longwatch-')
    .describe('Prefix of all table names'),
  DYNAMODB_ENDPOINT: url
    .optional()
    .describe('DynamoDB other than the embedded one; "aws" is set by LONGWATCH_AWS=true'),
  LONGWATCH_STREAMS_BY: z
    .enum(['workflow', 'lambda'])
    .default('workflow')
    .describe('Who reads streams: workflow: the workers; lambda: functions that AWS calls, so that no worker does'),
  SNS_ENDPOINT: url.optional(),
};
