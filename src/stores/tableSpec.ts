import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** The declaration of a key attribute. */
export interface KeySpec {
  name: string;
  type: 'S' | 'N';
}

/** The declaration of a global secondary index. */
export interface IndexSpec {
  partitionKey: KeySpec;
  sortKey?: KeySpec;
  /** `ALL`, `KEYS_ONLY`, or the non-key attributes to project. */
  projection: 'ALL' | 'KEYS_ONLY' | readonly string[];
}

/** The declaration of a table. */
export interface TableSpec {
  partitionKey: KeySpec;
  sortKey?: KeySpec;
  indexes?: Readonly<Record<string, IndexSpec>>;
  stream?: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE';
  /** Name of the TTL attribute (epoch seconds). TTL only removes leftovers; correctness never depends on it. */
  ttl?: string;
}

/** Returns the declaration of a string key attribute. */
export const stringKey = (name: string): KeySpec => ({ name, type: 'S' });
/** Returns the declaration of a number key attribute. */
export const numberKey = (name: string): KeySpec => ({ name, type: 'N' });

/**
 * Table declarations by logical name. Each capability declares its tables in `stores/<capability>/tables.ts`. The local
 * creation, the tests and the deployment all read these declarations.
 */
export type Tables = Readonly<Record<string, TableSpec>>;

/** Returns the physical name of a table under a prefix, e.g. `longwatch-Decisions`. */
export function physicalName(prefix: string, table: string): string {
  return `${prefix}${table}`;
}

/** Returns a name without the prefix. A table without the prefix is not ours and keeps its name. */
export function logicalName(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** A client for calls about tables: `DescribeTable`, `CreateTable`, … */
export type TableClient = Pick<DynamoDBClient, 'send'>;
