import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { type KeySpec, physicalName, type TableName, type TableSpec, tables } from './tables';

export interface DynamoDBSettings {
  /** Absent: AWS itself. */
  endpoint?: string;
  region: string;
  /** Given for local endpoints, which want some credentials but check none. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  tablePrefix: string;
}

/** The low-level client: keep-alive sockets, short connect timeout, few attempts because callers have deadlines. */
export function dynamoDBClient(settings: Omit<DynamoDBSettings, 'tablePrefix'>): DynamoDBClient {
  return new DynamoDBClient({
    region: settings.region,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
    maxAttempts: 3,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 1_000,
      requestTimeout: 10_000,
      httpAgent: new Agent({ keepAlive: true, maxSockets: 256 }),
      httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: 256 }),
    }),
  });
}

/** What every store is built from: the document client and the names of the tables under the prefix. */
export interface Db {
  client: DynamoDBDocumentClient;
  table(name: TableName): string;
}

export function openDb(client: DynamoDBClient, tablePrefix: string): Db {
  return {
    client: DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } }),
    table: (name) => physicalName(tablePrefix, name),
  };
}

/** The CreateTable input of one table: on-demand capacity, all indexes, its stream. */
export function createTableInput(prefix: string, name: TableName): CreateTableCommandInput {
  const spec: TableSpec = tables[name];
  const keySchema = (partitionKey: KeySpec, sortKey?: KeySpec) => [
    { AttributeName: partitionKey.name, KeyType: 'HASH' as const },
    ...(sortKey ? [{ AttributeName: sortKey.name, KeyType: 'RANGE' as const }] : []),
  ];
  const indexes = Object.entries(spec.indexes ?? {});
  const keys = new Map<string, KeySpec>();
  for (const key of [spec, ...indexes.map(([, index]) => index)].flatMap((k) => [k.partitionKey, k.sortKey]))
    if (key) keys.set(key.name, key);
  return {
    TableName: physicalName(prefix, name),
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [...keys.values()].map((key) => ({ AttributeName: key.name, AttributeType: key.type })),
    KeySchema: keySchema(spec.partitionKey, spec.sortKey),
    ...(indexes.length > 0 && {
      GlobalSecondaryIndexes: indexes.map(([IndexName, index]) => ({
        IndexName,
        KeySchema: keySchema(index.partitionKey, index.sortKey),
        Projection: Array.isArray(index.projection)
          ? { ProjectionType: 'INCLUDE' as const, NonKeyAttributes: [...index.projection] }
          : { ProjectionType: index.projection as 'ALL' | 'KEYS_ONLY' },
      })),
    }),
    ...(spec.stream && { StreamSpecification: { StreamEnabled: true, StreamViewType: spec.stream } }),
  };
}

/** Creates the tables that are missing and waits until all are active. Safe to run from several processes at once. */
export async function createTables(client: DynamoDBClient, prefix: string): Promise<void> {
  const names = Object.keys(tables) as TableName[];
  await Promise.all(names.map((name) => createTable(client, prefix, name)));
}

async function createTable(client: DynamoDBClient, prefix: string, name: TableName): Promise<void> {
  const TableName = physicalName(prefix, name);
  try {
    await client.send(new DescribeTableCommand({ TableName }));
    return;
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  try {
    await client.send(new CreateTableCommand(createTableInput(prefix, name)));
  } catch (error) {
    // Another process created it between our look and our call.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    if (Table?.TableStatus === 'ACTIVE') break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { ttl }: TableSpec = tables[name];
  if (ttl)
    await client.send(
      new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { AttributeName: ttl, Enabled: true } }),
    );
}
