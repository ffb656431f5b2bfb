import { UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import { createTable, createTableInput, createTables, enableTtl } from './tableCreation';
import { checkTables, describe, TableMismatchError, type TableDifference } from './tableCheck';
import type { TableClient, TableSpec, Tables } from './tableSpec';
import { systemClock } from '../timing/clock';

/** Interval of the check whether a table is active. */
const LOOK_AGAIN_MS = 200;

/**
 * Creates missing tables, enables TTL where another process created a table and then stopped, and compares all tables
 * with their declarations. Makes no other change.
 * @throws TableMismatchError with every difference of every table.
 */
export async function prepareTables(client: TableClient, prefix: string, tables: Tables): Promise<void> {
  await createTables(client, prefix, tables);
  const found = await checkTables(client, prefix, tables);
  // A table that lacks only its TTL: the process that created it has failed, or has not enabled TTL yet.
  const unfinished = found.filter(
    (one) => one.update === 'ttl' && found.every((other) => other === one || other.table !== one.table),
  );
  for (const { table } of unfinished) await enableTtl(client, prefix, table, tables[table] as TableSpec);
  const differences = unfinished.length > 0 ? await checkTables(client, prefix, tables) : found;
  if (differences.length > 0) throw new TableMismatchError(differences);
}

/**
 * Adds missing tables, indexes, streams and TTL. Removes nothing and changes no key.
 * @param onStep called before each addition, because an index on a large table takes long.
 * @returns the differences that need a migration.
 */
export async function updateTables(
  client: TableClient,
  prefix: string,
  tables: Tables,
  onStep: (difference: TableDifference) => void = () => undefined,
): Promise<TableDifference[]> {
  const left: TableDifference[] = [];
  for (const difference of await checkTables(client, prefix, tables)) {
    if (!difference.update) {
      left.push(difference);
      continue;
    }
    onStep(difference);
    await makeUpdate(client, prefix, tables[difference.table] as TableSpec, difference);
  }
  return left;
}

async function makeUpdate(
  client: TableClient,
  prefix: string,
  spec: TableSpec,
  { table, physicalName: TableName, update: how, index }: TableDifference,
): Promise<void> {
  const {
    AttributeDefinitions,
    GlobalSecondaryIndexes = [],
    StreamSpecification,
  } = createTableInput(prefix, table, spec);
  if (how === 'create') await createTable(client, prefix, table, spec);
  else if (how === 'ttl') await enableTtl(client, prefix, table, spec);
  else if (how === 'stream') await client.send(new UpdateTableCommand({ TableName, StreamSpecification }));
  // One index per call, because DynamoDB builds one at a time.
  else {
    const { IndexName, KeySchema, Projection } =
      GlobalSecondaryIndexes.find(({ IndexName: name }) => name === index) ?? {};
    await client.send(
      new UpdateTableCommand({
        TableName,
        AttributeDefinitions,
        GlobalSecondaryIndexUpdates: [{ Create: { IndexName, KeySchema, Projection } }],
      }),
    );
  }
  await active(client, TableName);
}

/** Waits until the table and all its indexes are active. */
async function active(client: TableClient, TableName: string): Promise<void> {
  for (;;) {
    const found = await describe(client, TableName);
    const states = [
      found?.TableStatus,
      ...(found?.GlobalSecondaryIndexes ?? []).map(({ IndexStatus }) => IndexStatus ?? 'ACTIVE'),
    ];
    if (states.every((state) => state === 'ACTIVE')) return;
    await systemClock.sleep(LOOK_AGAIN_MS);
  }
}
