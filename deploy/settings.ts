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
    .describe('Name of the stack, and what the names of its endpoint, alarms, functions and log groups begin with'),
  tablePrefix: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{0,100}$/)
    .optional()
    .describe(
      'As LONGWATCH_TABLE_PREFIX, and what the names of the Kinesis streams begin with. Default longwatch- for ' +
        'the stack longwatch; a stack with another name must say it',
    ),
  transactionsStream: streamName.describe(
    'Name of the Kinesis stream of transactions; default the table prefix and "transactions". A change makes a ' +
      'new, empty stream',
  ),
  readingsStream: streamName.describe(
    'Name of the Kinesis stream of readings; default the table prefix and "readings". A change makes a new, ' +
      'empty stream',
  ),
  capabilities: z
    .array(z.enum(names))
    .min(1)
    .default(names)
    .describe(
      `What the stack has, of ${names.join(', ')}. A capability that is taken away leaves its tables in the account`,
    ),
  deletionProtection: z
    .boolean()
    .default(true)
    .describe(
      'Tables and the load balancer refuse to be deleted. Set false for the first deployment: if that fails, ' +
        'everything that it made goes again and it can be repeated. Deploy again with true afterwards',
    ),
  billing: z
    .enum(['on-demand', 'provisioned'])
    .default('on-demand')
    .describe('Capacity mode of the tables; provisioned ones scale between 5 and maxCapacity'),
  maxCapacity: z
    .number()
    .int()
    .min(5)
    .max(40_000)
    .default(1_000)
    .describe('Read and write units up to which a provisioned table or index scales'),
  imageRepository: z.string().describe('ECR repository that holds the image of this version'),
  imageTag: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,127}$/)
    .describe('Its tag; also the build id of the workers'),
  secretArn: z
    .string()
    .regex(
      /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/,
      'must be a whole ARN, with its six last characters',
    )
    .describe('Secret with a JSON object of settings, one field each'),
  secretSettings: z
    .array(z.string())
    .default(['LONGWATCH_API_KEYS', 'LONGWATCH_SIGNING_SECRET', 'TEMPORAL_API_KEY'])
    .describe('Fields of the secret that processes get as settings'),
  temporalAddress: z.string().regex(/^[^:/]+:\d+$/, 'must be host:port'),
  temporalNamespace: z.string(),
  temporalUiUrl: z.url().optional().describe('As TEMPORAL_UI_URL'),
  versioned: z
    .boolean()
    .default(true)
    .describe('Workers take part in worker deployment versioning under stackName and imageTag'),
  certificateArn: z
    .string()
    .startsWith('arn:')
    .optional()
    .describe('Certificate of the load balancer; without one it is internal and speaks HTTP'),
  publicUrl: z.url().optional().describe('As LONGWATCH_PUBLIC_URL'),
  functions: z
    .array(z.enum(['api', 'streams', 'iot']))
    .default([])
    .describe(
      'What runs as Lambda functions: the API (in place of Fargate), the readers of streams (in place of ' +
        'workflows), the IoT rule',
    ),
  model: z
    .enum(['longwatch', 'xgboost'])
    .default(DEFAULT_STACK)
    .describe('Container of the endpoint: ours, which also says what each feature adds, or SageMaker’s XGBoost'),
  xgboostImage: z
    .string()
    .optional()
    .describe('URI of SageMaker’s XGBoost image in your region, where model is xgboost'),
  modelInstanceType: z.string().startsWith('ml.').default('ml.c6i.large'),
  modelInstances: z.number().int().min(1).max(100).default(2),
  apiTasks: z
    .number()
    .int()
    .min(0)
    .max(1_000)
    .default(2)
    .describe('Tasks of the API at least; it scales up to ten times as many'),
  workerTasks: z.number().int().min(0).max(1_000).default(2).describe('Tasks of each group of workers'),
  graceSeconds: z
    .number()
    .int()
    .min(5)
    .max(110)
    .default(60)
    .describe('As LONGWATCH_GRACE_MS; ECS waits ten seconds longer before it kills'),
  snsTopicArn: z.string().startsWith('arn:').optional().describe('As LONGWATCH_SNS_TOPIC_ARN'),
  payloadKmsKeyArn: z
    .string()
    .regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/.+$/, 'must be the ARN of a KMS key')
    .optional()
    .describe('As LONGWATCH_PAYLOAD_KMS_KEYS: encrypts what workflows hold'),
  environment: z.record(z.string(), z.string()).default({}).describe('Further settings of all processes'),
});

/** The settings of a deployment, with their defaults filled in. */
const schema = fields
  .refine(({ model, xgboostImage }) => (model === 'xgboost') === (xgboostImage !== undefined), {
    path: ['xgboostImage'],
    message: 'goes with model xgboost, and only with it',
  })
  // Otherwise the tables of two stacks in one account would have the same names.
  .refine(({ stackName, tablePrefix }) => stackName === DEFAULT_STACK || tablePrefix !== undefined, {
    path: ['tablePrefix'],
    message:
      `must be set for a stack that is not called ${DEFAULT_STACK}: "longwatch-" for the tables that an earlier ` +
      'release made for this stack, else a prefix that no other stack in the account has',
  })
  .refine(({ stackName, functions }) => functions.length === 0 || stackName.length <= 51, {
    path: ['stackName'],
    message:
      'must have at most 51 characters where functions are used: a function is called <stackName>-transactions, ' +
      'and Lambda takes 64',
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
