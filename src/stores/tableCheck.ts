import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type KeySchemaElement,
  type Projection,
  ResourceNotFoundException,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { createTableInput } from './tableCreation';
import { type TableClient, physicalName, type TableSpec, type Tables } from './tableSpec';

/** One difference between a table and its declaration. */
export interface TableDifference {
  /** The logical name. */
  table: string;
  /** The name in DynamoDB. */
  physicalName: string;
  /** A sentence without its subject: "has no index ByStatus …". */
  difference: string;
  /** The addition of `updateTables` that removes the difference; absent if only waiting or a migration does. */
  update?: 'create' | 'index' | 'stream' | 'ttl';
  /** The name of the missing index. */
  index?: string;
}

/** Tables differ from their declarations. The message lists every difference and the command that helps. */
export class TableMismatchError extends Error {
  override readonly name = 'TableMismatchError';

  constructor(readonly differences: readonly TableDifference[]) {
    super(
      `${new Set(differences.map(({ table }) => table)).size} table(s) differ from what this version expects:\n` +
        `${differences.map(({ physicalName: name, difference }) => `  ${name} ${difference}`).join('\n')}\n` +
        (differences.every(({ update }) => update)
          ? 'Deploy the stack of this version, or run: npm run tables -- update'
          : '`npm run tables -- update` cannot make every change; docs/upgrading.md describes the migration.'),
    );
  }
}

/**
 * Returns every difference between the tables in DynamoDB and their declarations. Additional indexes and streams do not
 * count.
 */
export async function checkTables(client: TableClient, prefix: string, tables: Tables): Promise<TableDifference[]> {
  const declared = Object.entries(tables);
  const found: TableDifference[] = [];
  // 8 at a time: AWS throttles an account that describes more than about ten tables a second.
  for (let i = 0; i < declared.length; i += 8)
    found.push(
      ...(
        await Promise.all(declared.slice(i, i + 8).map(([name, spec]) => checkTable(client, prefix, name, spec)))
      ).flat(),
    );
  return found;
}

/** Returns the differences of one table. */
export async function checkTable(
  client: TableClient,
  prefix: string,
  name: string,
  spec: TableSpec,
): Promise<TableDifference[]> {
  const TableName = physicalName(prefix, name);
  const description = await describe(client, TableName);
  if (!description) return [{ table: name, physicalName: TableName, difference: 'is missing', update: 'create' }];
  const { TimeToLiveDescription } = spec.ttl ? await client.send(new DescribeTimeToLiveCommand({ TableName })) : {};
  const isOn = /^(ENABLED|ENABLING)$/.test(TimeToLiveDescription?.TimeToLiveStatus ?? '');
  return differencesOf(name, spec, description, isOn ? TimeToLiveDescription?.AttributeName : undefined).map((one) => ({
    ...one,
    table: name,
    physicalName: TableName,
  }));
}

/** Returns DynamoDB's description of a table, or undefined if the table does not exist. */
export async function describe(client: TableClient, TableName: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

function differencesOf(
  name: string,
  spec: TableSpec,
  found: TableDescription,
  ttlFound: string | undefined,
): Pick<TableDifference, 'difference' | 'update' | 'index'>[] {
  const wanted = createTableInput('', name, spec);
  const typeOf = typesOf(found.AttributeDefinitions);
  const wantedTypes = typesOf(wanted.AttributeDefinitions);
  const differences: Pick<TableDifference, 'difference' | 'update' | 'index'>[] = [];
  const [key, keyWanted] = [keyText(found.KeySchema, typeOf), keyText(wanted.KeySchema, wantedTypes)];
  if (key !== keyWanted) differences.push({ difference: `has the key ${key}; expected: ${keyWanted}` });
  const indexes = new Map(found.GlobalSecondaryIndexes?.map((index) => [index.IndexName, index]));
  for (const index of wanted.GlobalSecondaryIndexes ?? []) {
    const its = indexes.get(index.IndexName);
    const text = indexText(index, wantedTypes);
    const IndexName = String(index.IndexName);
    if (!its)
      differences.push({ difference: `has no index ${IndexName} (${text})`, update: 'index', index: IndexName });
    else if (indexText(its, typeOf) !== text)
      differences.push({ difference: `has the index ${IndexName} (${indexText(its, typeOf)}); expected: (${text})` });
    else if (its.IndexStatus !== undefined && !/^(ACTIVE|UPDATING)$/.test(its.IndexStatus))
      differences.push({
        difference: `has the index ${IndexName} in state ${its.IndexStatus}; wait until it is ACTIVE`,
      });
  }
  const { stream, ttl } = spec;
  const view = found.StreamSpecification?.StreamEnabled ? found.StreamSpecification.StreamViewType : undefined;
  if (stream && view === undefined)
    differences.push({ difference: `has no stream; expected: ${stream}`, update: 'stream' });
  else if (stream && view !== stream) differences.push({ difference: `has a stream of ${view}; expected: ${stream}` });
  if (ttl && ttlFound !== ttl)
    differences.push({
      difference: `has ${ttlFound === undefined ? 'no TTL' : `TTL on ${ttlFound}`}; expected: ${ttl}`,
      ...(ttlFound === undefined && { update: 'ttl' as const }),
    });
  return differences;
}

type Types = ReadonlyMap<string | undefined, string | undefined>;
const typesOf = (definitions: TableDescription['AttributeDefinitions'] = []): Types =>
  new Map(definitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]));

const keyText = (schema: KeySchemaElement[] = [], types: Types): string =>
  [...schema]
    .sort((a) => (a.KeyType === 'HASH' ? -1 : 1))
    .map(({ AttributeName }) => `${AttributeName} ${types.get(AttributeName) ?? '?'}`)
    .join(', ');

function indexText(
  {
    KeySchema,
    Projection: projection,
  }: { KeySchema?: KeySchemaElement[] | undefined; Projection?: Projection | undefined },
  types: Types,
): string {
  const { ProjectionType, NonKeyAttributes = [] } = projection ?? {};
  const attributes = [...NonKeyAttributes].sort().map((name) => ` ${name}`);
  return `${keyText(KeySchema, types)}; ${ProjectionType}${attributes.join('')}`;
}
