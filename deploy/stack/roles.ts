import { Effect, ManagedPolicy, Policy, PolicyStatement, type PrincipalBase, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Combined } from '../../src/graph/combined';
import type { PartName } from '../../src/config/parts';
import { grantsOf, type Process } from '../access';
import type { Data } from './data';
import type { Tables } from './tables';

export interface Reach {
  tables: Tables;
  data: Data;
  /** The capabilities of the stack. */
  combined: Combined;
  /** Of the model's endpoint; absent where no capability has a model. */
  endpointArn: string | undefined;
  snsTopicArn?: string | undefined;
  /** What encrypts payloads of workflows; every process starts workflows. */
  kmsKeyArn?: string | undefined;
}

/** What the archive writes and reads: days of readings, and finished seasons. */
const ARCHIVE_PREFIXES = ['device_data/*', 'leaderboards/*'];

export const allow = (actions: string[], resources: string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions, resources });

/** A role that may do what one process does, and no more. */
export function processRole(
  scope: Construct,
  id: string,
  assumedBy: PrincipalBase,
  process: Process,
  reach: Reach,
  { checksTables }: { checksTables: boolean },
): Role {
  const role = new Role(scope, `${id}Role`, { assumedBy, description: `What ${id} does, and no more` });
  new Policy(scope, `${id}Policy`, {
    statements: [...tableStatements(process, reach), ...otherStatements(process, reach)],
  }).attachToRole(role);
  // A role's own policies have 10,240 characters together, which the tables' names fill; others have their own 6,144.
  if (checksTables)
    new ManagedPolicy(scope, `${id}StartPolicy`, { statements: startStatements(process, reach), roles: [role] });
  return role;
}

/** For processes that compare the tables when they start or show their sizes, and read their streams. */
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
  const calls = (part: PartName) =>
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

/** One statement for each set of actions: a policy has 10,240 characters. */
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
