import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { type TableClient, type KeySpec, physicalName, type TableSpec, type Tables } from './tableSpec';
import { systemClock } from '../timing/clock';

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
export async function createTables(client: TableClient, prefix: string, tables: Tables): Promise<void> {
  await Promise.all(Object.entries(tables).map(([name, spec]) => createTable(client, prefix, name, spec)));
}

/** Creates one table if it is missing, and waits until it is active. */
export async function createTable(client: TableClient, prefix: string, name: string, spec: TableSpec): Promise<void> {
  const TableName = physicalName(prefix, name);
  const isNew = await createIfMissing(client, prefix, name, spec);
  // Wait even if another process created the table: it accepts writes only when it is active.
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    if (Table?.TableStatus === 'ACTIVE' || Table?.TableStatus === 'UPDATING') break;
    await systemClock.sleep(200);
  }
  if (isNew) await enableTtl(client, prefix, name, spec);
}

/** Enables TTL if the table declares it. A repeated call changes nothing. */
export async function enableTtl(client: TableClient, prefix: string, name: string, { ttl }: TableSpec): Promise<void> {
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
async function createIfMissing(client: TableClient, prefix: string, name: string, spec: TableSpec): Promise<boolean> {
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
