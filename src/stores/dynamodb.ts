import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { defined } from '../domain/defined';
import { awsHttp } from '../gateways/aws/http';
import type { MalformedItem } from './items';
import { DocumentClient, documentClient, type DocumentSender } from './documentClient';
import { type StoreCall, watchedSender } from './storeCalls';
import { physicalName, type TableSpec, type Tables } from './tableSpec';

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
 * deadlines. If DynamoDB accepts a call and never answers, the call fails after three timeouts (`awsHttp`).
 */
export function dynamoDBClient(settings: Omit<DynamoDBSettings, 'tablePrefix'>): DynamoDBClient {
  return new DynamoDBClient({
    region: settings.region,
    ...defined({ endpoint: settings.endpoint, credentials: settings.credentials }),
    maxAttempts: 3,
    requestHandler: awsHttp({ silentMs: settings.requestTimeoutMs ?? 5_000, maxSockets: MAX_SOCKETS }),
  });
}

/** The client and the physical names of the tables, which every store needs. */
export interface Db {
  client: DocumentSender;
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
 * Opens the client for the tables that this process declares. Every call is measured and traced, and its failure is
 * classified.
 */
export function openDb(
  client: DynamoDBClient,
  tablePrefix: string,
  tables: Tables,
  onCall?: (call: StoreCall) => void,
  onMalformed?: Db['onMalformed'],
): Db {
  const declared = (name: string): TableSpec => {
    const found = Object.hasOwn(tables, name) ? tables[name] : undefined;
    if (!found)
      throw new TypeError(
        `No capability of this process declares the table ${name}; it has ${Object.keys(tables).join(', ')}`,
      );
    return found;
  };
  return {
    client: watchedSender(new DocumentClient(documentClient(client)), tablePrefix, onCall),
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
