import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { capabilities } from '../src/graph/capabilities';

const DEFAULT_STACK = 'longwatch';
const streamName = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,128}$/)
  .optional();

const names = capabilities.map(({ name }) => name);

const fields = z.strictObject({
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,56}$/, 'must be 1 to 57 letters, digits and hyphens')
    .default(DEFAULT_STACK)
    .describe('Name of the stack, and prefix of the names of its endpoint, alarms, functions and log groups'),
  tablePrefix: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{0,100}$/)
    .optional()
    .describe(
      'As LONGWATCH_TABLE_PREFIX, and prefix of the names of the Kinesis streams. Default longwatch- for ' +
        'the stack longwatch; a stack with another name must set it',
    ),
  transactionsStream: streamName.describe(
    'Name of the Kinesis stream of transactions; default the table prefix and "transactions". A change creates a ' +
      'new, empty stream',
  ),
  readingsStream: streamName.describe(
    'Name of the Kinesis stream of readings; default the table prefix and "readings". A change creates a new, ' +
      'empty stream',
  ),
  capabilities: z
    .array(z.enum(names))
    .min(1)
    .default(names)
    .describe(
      `Capabilities of the stack, out of ${names.join(', ')}. The tables of a removed capability stay in the account`,
    ),
  deletionProtection: z
    .boolean()
    .default(true)
    .describe(
      'Deletion protection of the tables and the load balancer. Set false for the first deployment: if it fails, ' +
        'CloudFormation deletes everything that it created, and you can repeat it. Then deploy again with true',
    ),
  billing: z
    .enum(['on-demand', 'provisioned'])
    .default('on-demand')
    .describe('Capacity mode of the tables; provisioned capacity scales between 5 and maxCapacity units'),
  maxCapacity: z
    .number()
    .int()
    .min(5)
    .max(40_000)
    .default(1_000)
    .describe('Maximum read and write units of a provisioned table or index'),
  imageRepository: z.string().describe('ECR repository of the image of this version'),
  imageTag: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,127}$/)
    .describe('Tag of the image; also the build id of the workers'),
  secretArn: z
    .string()
    .regex(
      /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/,
      'must be a complete ARN, with the suffix of six characters',
    )
    .describe('ARN of the secret, a JSON object with one field per setting'),
  secretSettings: z
    .array(z.string())
    .default(['LONGWATCH_API_KEYS', 'LONGWATCH_SIGNING_SECRET', 'TEMPORAL_API_KEY'])
    .describe('Fields of the secret that the processes get as settings'),
  temporalAddress: z.string().regex(/^[^:/]+:\d+$/, 'must be host:port'),
  temporalNamespace: z.string(),
  temporalUiUrl: z.url().optional().describe('As TEMPORAL_UI_URL'),
  versioned: z
    .boolean()
    .default(true)
    .describe('Worker deployment versioning, with stackName as the deployment name and imageTag as the build id'),
  certificateArn: z
    .string()
    .startsWith('arn:')
    .optional()
    .describe('ARN of the load balancer’s certificate; without one the load balancer is internal and serves HTTP'),
  publicUrl: z.url().optional().describe('As LONGWATCH_PUBLIC_URL'),
  functions: z
    .array(z.enum(['api', 'streams', 'iot']))
    .default([])
    .describe(
      'Parts that run as Lambda functions: the API (instead of Fargate), the stream readers (instead of ' +
        'workflows), the IoT rule',
    ),
  model: z
    .enum(['longwatch', 'xgboost'])
    .default(DEFAULT_STACK)
    .describe(
      'Container of the model endpoint: longwatch, which also returns each feature’s contribution, or SageMaker’s ' +
        'XGBoost',
    ),
  xgboostImage: z.string().optional().describe('URI of SageMaker’s XGBoost image in your region, if model is xgboost'),
  modelInstanceType: z.string().startsWith('ml.').default('ml.c6i.large'),
  modelInstances: z.number().int().min(1).max(100).default(2),
  apiTasks: z
    .number()
    .int()
    .min(0)
    .max(1_000)
    .default(2)
    .describe('Minimum number of API tasks; the API scales up to ten times as many'),
  workerTasks: z.number().int().min(0).max(1_000).default(2).describe('Number of tasks in each group of workers'),
  graceSeconds: z
    .number()
    .int()
    .min(5)
    .max(110)
    .default(60)
    .describe('As LONGWATCH_GRACE_MS, in seconds; ECS waits ten seconds longer before it kills a task'),
  snsTopicArn: z.string().startsWith('arn:').optional().describe('As LONGWATCH_SNS_TOPIC_ARN'),
  payloadKmsKeyArn: z
    .string()
    .regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/.+$/, 'must be the ARN of a KMS key')
    .optional()
    .describe('As LONGWATCH_PAYLOAD_KMS_KEYS: key that encrypts workflow payloads'),
  environment: z
    .record(z.string(), z.string())
    .default({})
    .describe('Additional environment variables of all processes'),
});

/** The settings of a deployment, with their defaults filled in. */
const schema = fields
  .refine(({ model, xgboostImage }) => (model === 'xgboost') === (xgboostImage !== undefined), {
    path: ['xgboostImage'],
    message: 'must be set if model is xgboost, and only then',
  })
  // Otherwise the tables of two stacks in one account would have the same names.
  .refine(({ stackName, tablePrefix }) => stackName === DEFAULT_STACK || tablePrefix !== undefined, {
    path: ['tablePrefix'],
    message:
      `must be set for a stack that is not called ${DEFAULT_STACK}: "longwatch-" for the tables that an earlier ` +
      'release created for this stack, otherwise a prefix that no other stack in the account has',
  })
  .refine(({ stackName, functions }) => functions.length === 0 || stackName.length <= 51, {
    path: ['stackName'],
    message:
      'must have at most 51 characters if functions are used: a function is called <stackName>-transactions, ' +
      'and Lambda allows 64',
  })
  .transform(
    ({
      tablePrefix = 'longwatch-',
      transactionsStream = `${tablePrefix}transactions`,
      readingsStream = `${tablePrefix}readings`,
      ...settings
    }) => ({ ...settings, tablePrefix, transactionsStream, readingsStream }),
  );

/** The checked settings of a deployment. */
export type Settings = z.infer<typeof schema>;

/** The settings of a deployment are invalid. The message has one line per fault. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Checks settings and fills in their defaults. @param where names the source in the error. @throws SettingsError */
export function parseSettings(given: unknown, where = 'the settings'): Settings {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `  ${path.join('.') || 'the object'}: ${message}`);
  throw new SettingsError(`${where}:\n${faults.join('\n')}`);
}

/** Reads settings from a JSON file. @throws SettingsError */
export function readSettings(path: string): Settings {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SettingsError(
      `${path} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
  return parseSettings(json, path);
}

/** Returns the name, default and description of every setting. */
export function settingsReference(): { name: string; fallback: string; description: string }[] {
  return Object.entries(fields.shape).map(([name, type]) => {
    const json = z.toJSONSchema(type as z.ZodType, { io: 'input', unrepresentable: 'any' });
    return {
      name,
      fallback: json.default === undefined ? '' : JSON.stringify(json.default),
      description: json.description ?? '',
    };
  });
}
