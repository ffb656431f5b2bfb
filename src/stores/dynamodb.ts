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
import { defined } from '../domain/defined';
import { awsHttp } from '../gateways/awsHttp';
import { type StoreCall, watchStoreCalls } from './storeCalls';
import { type KeySpec, physicalName, type TableSpec, type Tables } from './tables';

export { cancellationCodes, isAway, isConditionFailure } from './failures';
export type { StoreCall } from './storeCalls';

export interface DynamoDBSettings {
  /** Absent: AWS itself. */
  endpoint?: string;
  region: string;
  /** Given for local endpoints, which want some credentials but check none. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  tablePrefix: string;
  /** Milliseconds that one attempt may take. Default 5,000. */
  requestTimeoutMs?: number;
}

/** Connections of a client, and so calls that are on their way at once; the next ones wait in this process. */
export const MAX_SOCKETS = 256;

/**
 * The low-level client: keep-alive sockets, short connect timeout, few attempts because callers have deadlines. A call
 * that DynamoDB takes and never answers fails after a quarter of a minute (`awsHttp`): without `throwOnRequestTimeout`
 * the timeout
 * is but a warning, and calls would pile up for as long as it hangs.
 */
export function dynamoDBClient(settings: Omit<DynamoDBSettings, 'tablePrefix'>): DynamoDBClient {
  return new DynamoDBClient({
    region: settings.region,
    ...defined({ endpoint: settings.endpoint, credentials: settings.credentials }),
    maxAttempts: 3,
    requestHandler: awsHttp({ silentMs: settings.requestTimeoutMs ?? 5_000, maxSockets: MAX_SOCKETS }),
  });
}

/** What every store is built from: the document client and the names of the tables under the prefix. */
export interface Db {
  client: DynamoDBDocumentClient;
  /** The physical name of a table. @throws TypeError for a table that no capability of this process declares. */
  table(name: string): string;
  /** Names of the key attributes of a table, and of one of its indexes. @throws TypeError as `table`. */
  keys(name: string, index?: string): string[];
}

/**
 * Opens the document client over the tables that this process declares, and measures, traces and sorts the failures of
 * its calls (`watchStoreCalls`).
 */
export function openDb(
  client: DynamoDBClient,
  tablePrefix: string,
  tables: Tables,
  onCall?: (call: StoreCall) => void,
): Db {
  const document = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  watchStoreCalls(document, tablePrefix, onCall);
  const declared = (name: string): TableSpec => {
    const found = Object.hasOwn(tables, name) ? tables[name] : undefined;
    if (!found)
      throw new TypeError(
        `No capability of this process declares the table ${name}; it has ${Object.keys(tables).join(', ')}`,
      );
    return found;
  };
  return {
    client: document,
    table: (name) => declared(name) && physicalName(tablePrefix, name),
    keys(name, index) {
      const { indexes = {}, ...own } = declared(name);
      const other = index === undefined ? own : indexes[index];
      if (!other) throw new TypeError(`The table ${name} has no index ${index}`);
      const keys = [own, other].flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey ?? []].flat());
      return [...new Set(keys.map((key) => key.name))];
    },
  };
}

/** The CreateTable input of one table: on-demand capacity, all indexes, its stream. */
export function createTableInput(prefix: string, name: string, spec: TableSpec): CreateTableCommandInput {
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
export async function createTables(client: DynamoDBClient, prefix: string, tables: Tables): Promise<void> {
  await Promise.all(Object.entries(tables).map(([name, spec]) => createTable(client, prefix, name, spec)));
}

/** As `createTables`, one of them. */
export async function createTable(
  client: DynamoDBClient,
  prefix: string,
  name: string,
  spec: TableSpec,
): Promise<void> {
  const TableName = physicalName(prefix, name);
  const isNew = await createIfMissing(client, prefix, name, spec);
  // Whoever makes it: until then it cannot be written.
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    if (Table?.TableStatus === 'ACTIVE' || Table?.TableStatus === 'UPDATING') break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (isNew) await enableTtl(client, prefix, name, spec);
}

/** Enables TTL where the table declares it. A second call changes nothing. */
export async function enableTtl(
  client: DynamoDBClient,
  prefix: string,
  name: string,
  { ttl }: TableSpec,
): Promise<void> {
  if (!ttl) return;
  try {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: physicalName(prefix, name),
        TimeToLiveSpecification: { AttributeName: ttl, Enabled: true },
      }),
    );
  } catch (error) {
    // The race: another process does the same.
    if (!(error instanceof Error && /already enabled/i.test(error.message))) throw error;
  }
}

/** @returns whether it was missing. */
async function createIfMissing(
  client: DynamoDBClient,
  prefix: string,
  name: string,
  spec: TableSpec,
): Promise<boolean> {
  try {
    await client.send(new DescribeTableCommand({ TableName: physicalName(prefix, name) }));
    return false;
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  try {
    await client.send(new CreateTableCommand(createTableInput(prefix, name, spec)));
  } catch (error) {
    // Another process created it between our look and our call.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  return true;
}
