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
import type { MalformedItem } from './items';
import { type StoreCall, watchStoreCalls } from './storeCalls';
import { type KeySpec, physicalName, type TableSpec, type Tables } from './tables';

export { cancellationCodes, isUnavailable, isConditionFailure } from './failures';
export type { StoreCall } from './storeCalls';

/** The connection to DynamoDB. */
export interface DynamoDBSettings {
  /** Absent: AWS. */
  endpoint?: string;
  region: string;
  /** For local endpoints, which require credentials but do not check them. Absent: the SDK's default credentials. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** Prefix of the physical table names. */
  tablePrefix: string;
  /** Timeout of one attempt in milliseconds. Default 5,000. */
  requestTimeoutMs?: number;
}

/** Maximum number of connections of a client, and so of concurrent calls. Further calls wait in this process. */
export const MAX_SOCKETS = 256;

/**
 * Returns the low-level client: keep-alive connections, a short connect timeout, and 3 attempts because callers have
 * deadlines. If DynamoDB accepts a call and never answers, the call fails after three timeouts (`awsHttp`). Without
 * `throwOnRequestTimeout` the SDK only logs a warning, and calls would accumulate.
 */
export function dynamoDBClient(settings: Omit<DynamoDBSettings, 'tablePrefix'>): DynamoDBClient {
  return new DynamoDBClient({
    region: settings.region,
    ...defined({ endpoint: settings.endpoint, credentials: settings.credentials }),
    maxAttempts: 3,
    requestHandler: awsHttp({ silentMs: settings.requestTimeoutMs ?? 5_000, maxSockets: MAX_SOCKETS }),
  });
}

/** The document client and the physical names of the tables, which every store needs. */
export interface Db {
  client: DynamoDBDocumentClient;
  /**
   * Returns the physical name of a table.
   * @throws TypeError for a table that no capability of this process declares.
   */
  table(name: string): string;
  /** Returns the key attributes of a table, and of one of its indexes. @throws TypeError as `table`. */
  keys(name: string, index?: string): string[];
  /** Reports an item that a list skips because it is malformed. Absent: such an item fails the list. */
  onMalformed?(this: void, error: MalformedItem): void;
}

/**
 * Opens the document client for the tables that this process declares. Every call is measured and traced, and its
 * failure is classified (`watchStoreCalls`).
 */
export function openDb(
  client: DynamoDBClient,
  tablePrefix: string,
  tables: Tables,
  onCall?: (call: StoreCall) => void,
  onMalformed?: Db['onMalformed'],
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
    ...defined({ onMalformed }),
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

/** Returns the CreateTable input of one table: on-demand capacity, all indexes, and its stream. */
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

/** Creates the missing tables and waits until all tables are active. Several processes may run it at once. */
export async function createTables(client: DynamoDBClient, prefix: string, tables: Tables): Promise<void> {
  await Promise.all(Object.entries(tables).map(([name, spec]) => createTable(client, prefix, name, spec)));
}

/** Creates one table if it is missing, and waits until it is active. */
export async function createTable(
  client: DynamoDBClient,
  prefix: string,
  name: string,
  spec: TableSpec,
): Promise<void> {
  const TableName = physicalName(prefix, name);
  const isNew = await createIfMissing(client, prefix, name, spec);
  // Wait even if another process created the table: it accepts writes only when it is active.
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    if (Table?.TableStatus === 'ACTIVE' || Table?.TableStatus === 'UPDATING') break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (isNew) await enableTtl(client, prefix, name, spec);
}

/** Enables TTL if the table declares it. A repeated call changes nothing. */
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
    // Race: another process enables TTL at the same moment.
    if (!(error instanceof Error && /already enabled/i.test(error.message))) throw error;
  }
}

/** Creates a table if it is missing. @returns whether this call created it, or raced with the process that did. */
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
    // Race: another process creates the table between DescribeTable and CreateTable.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  return true;
}
