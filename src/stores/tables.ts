/** The declaration of a key attribute. */
export interface KeySpec {
  name: string;
  type: 'S' | 'N';
}

export interface IndexSpec {
  partitionKey: KeySpec;
  sortKey?: KeySpec;
  /** `ALL`, `KEYS_ONLY`, or the non-key attributes to project. */
  projection: 'ALL' | 'KEYS_ONLY' | readonly string[];
}

export interface TableSpec {
  partitionKey: KeySpec;
  sortKey?: KeySpec;
  indexes?: Readonly<Record<string, IndexSpec>>;
  stream?: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE';
  /** Name of the TTL attribute (epoch seconds): only ever a backstop, never what correctness rests on. */
  ttl?: string;
}

export const stringKey = (name: string): KeySpec => ({ name, type: 'S' });
export const numberKey = (name: string): KeySpec => ({ name, type: 'N' });

/**
 * Tables by their logical names. Each capability declares its own in `stores/<capability>/tables.ts`; local creation,
 * the tests
 * and the deployment read these declarations, and nothing else names a key attribute's type.
 */
export type Tables = Readonly<Record<string, TableSpec>>;

/** The physical name of a table under a prefix, e.g. `longwatch-Decisions`. */
export function physicalName(prefix: string, table: string): string {
  return `${prefix}${table}`;
}

/** The name without the prefix; of a table of somebody else's the name as it is. */
export function logicalName(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
