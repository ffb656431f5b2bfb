import { Effect, ManagedPolicy, Policy, PolicyStatement, type PrincipalBase, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Combined } from '../../src/graph/combinedCapabilities';
import type { ServiceName } from '../../src/config/services';
import { grantsOf, type Process } from '../access';
import type { Data } from './data';
import type { Tables } from './tables';

/** The resources that roles can be granted. */
export interface Reach {
  tables: Tables;
  data: Data;
  /** The capabilities of the stack. */
  combined: Combined;
  /** ARN of the model's endpoint; absent if no capability has a model. */
  endpointArn: string | undefined;
  snsTopicArn?: string | undefined;
  /**
   * ARN of the key that encrypts payloads of workflows. Every process needs it, because every process starts workflows.
   */
  kmsKeyArn?: string | undefined;
}

/** Prefixes of the archive: days of readings, and finished seasons. */
const ARCHIVE_PREFIXES = ['device_data/*', 'leaderboards/*'];

/** Returns a statement that allows the actions on the resources. */
export const allow = (actions: string[], resources: string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions, resources });

/**
 * Creates the role of a process, with only the permissions that the process uses.
 * @param options.checksTables whether the process compares the tables with their declarations.
 */
export function processRole(
  scope: Construct,
  id: string,
  assumedBy: PrincipalBase,
  process: Process,
  reach: Reach,
  { checksTables }: { checksTables: boolean },
): Role {
  const role = new Role(scope, `${id}Role`, { assumedBy, description: `Permissions of ${id}` });
  new Policy(scope, `${id}Policy`, {
    statements: [...tableStatements(process, reach), ...otherStatements(process, reach)],
  }).attachToRole(role);
  // The inline policies of a role have at most 10,240 characters together, which the names of the tables fill. A
  // managed policy has its own 6,144 characters.
  if (checksTables)
    new ManagedPolicy(scope, `${id}StartPolicy`, { statements: startStatements(process, reach), roles: [role] });
  return role;
}

/**
 * Permissions of processes that compare the tables at their start or show their sizes, and, for workers, that read the
 * tables' streams.
 */
function startStatements(process: Process, { tables }: Reach): PolicyStatement[] {
  const tableStreams = tables.all().flatMap(({ tableStreamArn }) => tableStreamArn ?? []);
  return [
    allow(
      ['dynamodb:DescribeTable', 'dynamodb:DescribeTimeToLive'],
      tables.all().map(({ tableArn }) => tableArn),
    ),
    ...(process === 'worker' && tableStreams.length > 0
      ? [allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], tableStreams)]
      : []),
  ];
}

function otherStatements(
  process: Process,
  { data, combined, endpointArn, snsTopicArn, kmsKeyArn }: Reach,
): PolicyStatement[] {
  const runsAll = process === 'api' || process === 'worker';
  const calls = (part: ServiceName) =>
    runsAll ||
    combined.capabilities.some(({ functions = [] }) =>
      functions.some(({ name, uses = [] }) => name === process && uses.includes(part)),
    );
  const { archive } = data;
  const archived = archive ? ARCHIVE_PREFIXES.map((prefix) => archive.arnForObjects(prefix)) : [];
  const streamArns = [...data.streams.values()].map(({ streamArn }) => streamArn);
  return [
    ...(endpointArn !== undefined && calls('sagemaker') ? [allow(['sagemaker:InvokeEndpoint'], [endpointArn])] : []),
    ...(archive && calls('s3') ? [allow(['s3:GetObject'], archived)] : []),
    ...(archive && process === 'worker'
      ? [
          allow(['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'], archived),
          allow(['s3:ListBucket'], [archive.bucketArn]),
        ]
      : []),
    ...(process === 'worker' && streamArns.length > 0
      ? [
          allow(
            ['kinesis:DescribeStreamSummary', 'kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:ListShards'],
            streamArns,
          ),
        ]
      : []),
    ...(kmsKeyArn !== undefined ? [allow(['kms:Decrypt', 'kms:GenerateDataKey'], [kmsKeyArn])] : []),
    ...(snsTopicArn !== undefined && runsAll ? [allow(['sns:Publish'], [snsTopicArn])] : []),
  ];
}

/** Returns one statement per set of actions, to stay below 10,240 characters. */
function tableStatements(process: Process, { tables, combined }: Reach): PolicyStatement[] {
  const byActions = new Map<string, string[]>();
  for (const [where, actions] of grantsOf(process, combined)) {
    const [table = '', index] = where.split('/');
    const { tableArn } = tables.named(table);
    const key = actions.join(' ');
    byActions.set(key, [...(byActions.get(key) ?? []), index === undefined ? tableArn : `${tableArn}/index/${index}`]);
  }
  return [...byActions].map(([actions, arns]) =>
    allow(
      actions.split(' ').map((action) => `dynamodb:${action}`),
      arns,
    ),
  );
}
