import { Effect, ManagedPolicy, Policy, PolicyStatement, type PrincipalBase, Role } from 'aws-cdk-lib/aws-iam';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Construct } from 'constructs';
import type { TableName } from '../../src/stores/tables';
import { grantsOf, type Process } from '../access';
import type { Data } from './data';
import type { Tables } from './tables';

export interface Reach {
  tables: Tables;
  data: Data;
  /** Of the model's endpoint. */
  endpointArn: string;
  snsTopicArn?: string | undefined;
  /** What encrypts payloads of workflows; every process starts workflows. */
  kmsKeyArn?: string | undefined;
}

/** What the archive writes and reads: days of readings, and finished seasons. */
const ARCHIVE_PREFIXES = ['device_data/*', 'leaderboards/*'];

export const allow = (actions: string[], resources: string[]): PolicyStatement => new PolicyStatement({ effect: Effect.ALLOW, actions, resources });

/** A role that may do what one process does, and no more. */
export function processRole(scope: Construct, id: string, assumedBy: PrincipalBase, process: Process, reach: Reach, { checksTables }: { checksTables: boolean }): Role {
  const role = new Role(scope, `${id}Role`, { assumedBy, description: `What ${id} does, and no more` });
  new Policy(scope, `${id}Policy`, { statements: [...tableStatements(process, reach.tables), ...otherStatements(process, reach)] }).attachToRole(role);
  // A role's own policies have 10,240 characters together, which the tables' names fill; others have their own 6,144.
  if (checksTables) new ManagedPolicy(scope, `${id}StartPolicy`, { statements: startStatements(process, reach), roles: [role] });
  return role;
}

/** For processes that compare the tables when they start or show their sizes, and read their streams. */
function startStatements(process: Process, { tables }: Reach): PolicyStatement[] {
  return [
    allow(['dynamodb:DescribeTable', 'dynamodb:DescribeTimeToLive'], tables.all().map(({ tableArn }) => tableArn)),
    ...(process === 'worker' ? [allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], tables.all().flatMap(({ tableStreamArn }) => tableStreamArn ?? []))] : []),
  ];
}

function otherStatements(process: Process, { data, endpointArn, snsTopicArn, kmsKeyArn }: Reach): PolicyStatement[] {
  const runsAll = process === 'api' || process === 'worker';
  const scores = runsAll || process === 'transactions';
  const readsArchive = runsAll || process === 'readings' || process === 'iot';
  return [
    ...(scores ? [allow(['sagemaker:InvokeEndpoint'], [endpointArn])] : []),
    ...(readsArchive ? [allow(['s3:GetObject'], ARCHIVE_PREFIXES.map((prefix) => data.archive.arnForObjects(prefix)))] : []),
    ...(process === 'worker'
      ? [
          allow(['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'], ARCHIVE_PREFIXES.map((prefix) => data.archive.arnForObjects(prefix))),
          allow(['s3:ListBucket'], [data.archive.bucketArn]),
          allow(['kinesis:DescribeStreamSummary', 'kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:ListShards'], streamArns(data)),
        ]
      : []),
    ...(kmsKeyArn !== undefined ? [allow(['kms:Decrypt', 'kms:GenerateDataKey'], [kmsKeyArn])] : []),
    ...(snsTopicArn !== undefined && runsAll ? [allow(['sns:Publish'], [snsTopicArn])] : []),
  ];
}

/** One statement for each set of actions: a policy has 10,240 characters. */
function tableStatements(process: Process, tables: Tables): PolicyStatement[] {
  const byActions = new Map<string, string[]>();
  for (const [where, actions] of grantsOf(process)) {
    const [table, index] = where.split('/') as [TableName, string | undefined];
    const { tableArn } = tables.of[table];
    const key = actions.join(' ');
    byActions.set(key, [...(byActions.get(key) ?? []), index === undefined ? tableArn : `${tableArn}/index/${index}`]);
  }
  return [...byActions].map(([actions, arns]) => allow(actions.split(' ').map((action) => `dynamodb:${action}`), arns));
}

const streamArns = ({ transactions, readings }: Data): string[] => [transactions, readings].map(({ streamArn }: Stream) => streamArn);
