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
import { childSpan, SpanKind } from '../telemetry/spans';
import { isAway, isConditionFailure, storeFailureOf, typedStoreFailure } from './failures';
import { type KeySpec, logicalName, physicalName, type TableSpec, type Tables } from './tables';

export { cancellationCodes, isAway, isConditionFailure } from './failures';

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
  /** Names of the key attributes of a table. @throws TypeError as `table`. */
  keys(name: string): string[];
}

/** One call to DynamoDB, for metrics and for the tests that assert what an operation costs. */
export interface StoreCall {
  /** `TransactWriteItems`, `BatchGetItem`, … */
  operation: string;
  /** Names without their prefix. */
  tables: readonly string[];
  seconds: number;
  /** Consumed units over all tables of the call; transactional calls count double, as they are billed. */
  readUnits: number;
  writeUnits: number;
  /** The units by table. */
  unitsByTable: Readonly<Record<string, number>>;
  failed: boolean;
  /** DynamoDB will never take this request. */
  refused?: boolean;
}

/** The handler context of one call, in which its later steps note how far it came. */
interface CallContext {
  longwatchSent?: boolean;
}

/**
 * Opens the document client. Every failure is sorted here, once, for every store (`StoreFailure`): away and refused
 * become
 * typed errors, and races pass through, since only the store that set the condition knows which race it lost.
 */
export function openDb(
  client: DynamoDBClient,
  tablePrefix: string,
  tables: Tables,
  onCall?: (call: StoreCall) => void,
): Db {
  const document = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  document.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = (context.commandName ?? 'unknown').replace(/Command$/, '');
      const names = tablesOf(args.input).map((name) => logicalName(tablePrefix, name));
      const started = performance.now();
      if (onCall) (args.input as { ReturnConsumedCapacity?: string }).ReturnConsumedCapacity = 'TOTAL';
      const report = (unitsByTable: Readonly<Record<string, number>>, how: Pick<StoreCall, 'failed' | 'refused'>) => {
        const units = Object.values(unitsByTable).reduce((sum, one) => sum + one, 0);
        const isRead = /^(Get|BatchGet|Query|Scan|TransactGet)/.test(operation);
        onCall?.({
          operation,
          tables: names,
          seconds: (performance.now() - started) / 1000,
          readUnits: isRead ? units : 0,
          writeUnits: isRead ? 0 : units,
          unitsByTable,
          ...how,
        });
      };
      const attributes = {
        'db.system.name': 'aws.dynamodb',
        'db.operation.name': operation,
        'aws.dynamodb.table_names': names,
      };
      try {
        const result = await childSpan(
          `DynamoDB ${operation}`,
          { kind: SpanKind.CLIENT, attributes, isFault: (error) => !isConditionFailure(error) },
          () => next(args),
        );
        report(consumed(result.output, tablePrefix), { failed: false });
        return result;
      } catch (error) {
        const sent = (context as CallContext).longwatchSent === true;
        const failure = storeFailureOf(error, sent);
        // A table that is missing, or there already, is an answer to who asks about tables.
        if (isAboutTables(operation) && !isAway(error)) {
          report({}, { failed: true });
          throw error;
        }
        report({}, { failed: failure !== 'race', ...(failure === 'refused' && { refused: true }) });
        throw typedStoreFailure(error, sent);
      }
    },
    { step: 'initialize', name: 'longwatchStoreCalls' },
  );
  // This step comes after the request is serialized: what fails before it is a value that the client cannot express.
  document.middlewareStack.add(
    (next, context) => (args) => {
      (context as CallContext).longwatchSent = true;
      return next(args);
    },
    { step: 'build', name: 'longwatchSent' },
  );
  const spec = (name: string): TableSpec => {
    const found = Object.hasOwn(tables, name) ? tables[name] : undefined;
    if (!found)
      throw new TypeError(
        `No capability of this process declares the table ${name}; it has ${Object.keys(tables).join(', ')}`,
      );
    return found;
  };
  return {
    client: document,
    table: (name) => spec(name) && physicalName(tablePrefix, name),
    keys(name) {
      const { partitionKey, sortKey } = spec(name);
      return sortKey ? [partitionKey.name, sortKey.name] : [partitionKey.name];
    },
  };
}

/**
 * The client's middleware sees these, too: `DescribeTable`, `UpdateTimeToLive`, …, of which the callers know the
 * errors.
 */
const isAboutTables = (operation: string): boolean => /Table|TimeToLive/.test(operation);

interface Consumed {
  TableName?: string;
  CapacityUnits?: number;
}

/** Units by table; a call of several tables answers with a list. */
function consumed(output: unknown, tablePrefix: string): Record<string, number> {
  const given = (output as { ConsumedCapacity?: Consumed | Consumed[] }).ConsumedCapacity ?? [];
  const units: Record<string, number> = {};
  for (const { TableName = '', CapacityUnits = 0 } of Array.isArray(given) ? given : [given]) {
    const name = logicalName(tablePrefix, TableName);
    units[name] = (units[name] ?? 0) + CapacityUnits;
  }
  return units;
}

/** The tables that a call names, each once. */
function tablesOf(input: object): string[] {
  const {
    TableName,
    RequestItems = {},
    TransactItems = [],
  } = input as {
    TableName?: string;
    RequestItems?: Record<string, unknown>;
    TransactItems?: Record<string, { TableName?: string }>[];
  };
  const names = [
    TableName,
    ...Object.keys(RequestItems),
    ...TransactItems.flatMap((item) => Object.values(item).map((part) => part.TableName)),
  ];
  return [...new Set(names.filter((name) => name !== undefined))];
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
