import { compositeKey, iso } from '../domain/ids';
import type { Tables } from './tables';

/** An item as the document client reads and writes it. */
export type Item = Record<string, unknown>;

/** The name of an attribute, its type in the table, and what its value is in the code. */
export interface Attribute<T, Optional extends boolean = boolean> {
  readonly name: string;
  /** The stored type as an error names it: "a string". */
  readonly type: string;
  readonly isOptional: Optional;
  /** What an item without the attribute has instead. */
  readonly fallback?: T;
  /** @returns undefined where the stored value is of another type. */
  decode(stored: unknown): T | undefined;
  encode(value: T): unknown;
}

type Fields = Readonly<Record<string, Attribute<unknown>>>;
type ValueOf<A> = A extends Attribute<infer T> ? T : never;
type Value<F extends Fields> = {
  [K in keyof F as F[K] extends Attribute<unknown, false> ? K : never]: ValueOf<F[K]>;
} & { [K in keyof F as F[K] extends Attribute<unknown, false> ? never : K]?: ValueOf<F[K]> };

/** What `write` takes: an optional field may be undefined, too. */
type Written<F extends Fields> = {
  [K in keyof F as F[K] extends Attribute<unknown, false> ? K : never]: ValueOf<F[K]>;
} & { [K in keyof F as F[K] extends Attribute<unknown, false> ? never : K]?: ValueOf<F[K]> | undefined };

const same = <T>(value: T): unknown => value;
const primitive =
  <P>(type: string, is: 'string' | 'number' | 'boolean') =>
  <T extends P = P>(name: string): Attribute<T, false> => ({
    name,
    type,
    isOptional: false,
    decode: (stored) => (typeof stored === is ? (stored as T) : undefined),
    encode: same,
  });

/** A string. With a type of its own (a status, an id) the values themselves are not checked. */
export const text = primitive<string>('a string', 'string');
export const number = primitive<number>('a number', 'number');
export const flag = primitive<boolean>('a boolean', 'boolean');

/** An attribute whose stored type holds another value. `decode` may throw on a malformed one. */
const made = <T, S>(
  stored: (name: string) => Attribute<S, false>,
  type: string,
  { decode, encode }: { decode(stored: S): T | undefined; encode(value: T): S },
): ((name: string) => Attribute<T, false>) => {
  return (name) => {
    const inner = stored(name);
    return {
      name,
      type,
      isOptional: false,
      decode(value) {
        const found = inner.decode(value);
        try {
          return found === undefined ? undefined : decode(found);
        } catch {
          return undefined;
        }
      },
      encode: (value) => inner.encode(encode(value)),
    };
  };
};

/** Any object of one of JavaScript's classes. */
const object =
  <P>(type: string, is: (stored: unknown) => boolean) =>
  <T extends P = P>(name: string): Attribute<T, false> => ({
    name,
    type,
    isOptional: false,
    decode: (stored) => (is(stored) ? (stored as T) : undefined),
    encode: same,
  });

export const bytes = object<Uint8Array>('binary', ArrayBuffer.isView);
export const list = <E>(name: string) => object<readonly E[]>('a list', Array.isArray)(name);
export const map = object<object>(
  'a map',
  (stored) => typeof stored === 'object' && stored !== null && !Array.isArray(stored) && !ArrayBuffer.isView(stored),
);

/** A map by names that people choose: one of them may be `constructor`, which every object has. */
export const mapping = <V>(name: string) =>
  made<ReadonlyMap<string, V>, object>(map, 'a map', {
    decode: (stored) => new Map<string, V>(Object.entries(stored)),
    encode: (value) => value,
  })(name);

/** An instant (epoch ms), stored as ISO 8601 UTC. */
export const instant = made<number, string>(text, 'an ISO 8601 instant', {
  decode(stored) {
    const at = Date.parse(stored);
    return Number.isNaN(at) ? undefined : at;
  },
  encode: iso,
});

/** Any value, stored as JSON. Its shape is not checked. */
export const json = <T>(name: string) =>
  made<T, string>(text, 'a JSON string', {
    decode: (stored) => JSON.parse(stored) as T,
    encode: (value) => JSON.stringify(value),
  })(name);

/** The parts of a composite key. */
export const composite = made<readonly string[], string>(text, 'a composite key', {
  decode: (stored) => stored.split('#'),
  encode: (parts) => compositeKey(...parts),
});

/** A value of any type, null included. Its shape is not checked. */
export const anything = <T>(name: string): Attribute<T, false> => ({
  name,
  type: 'anything',
  isOptional: false,
  decode: (stored) => stored as T,
  encode: same,
});

/** An attribute that an item need not have. */
export const optional = <T>(attribute: Attribute<T, false>): Attribute<T, true> => ({
  ...attribute,
  isOptional: true,
});

/** An attribute that reads as `fallback` where an item lacks it, because an earlier release wrote the item. */
export const orElse = <T>(attribute: Attribute<T, false>, fallback: T): Attribute<T, false> => ({
  ...attribute,
  fallback,
});

/** The attributes of one kind of item: the only place that names them and their types. */
export interface ItemType<F extends Fields> {
  /** Names of the attributes, for a projection. */
  readonly attributes: readonly string[];
  /**
   * Reads an item. Attributes that this type does not name (a key, another release's) are passed over.
   * @throws TypeError naming table, key and attribute where one is missing or of another type.
   */
  read(this: void, item: Item): Value<F>;
  /** The key, and the attributes of a value without those that are undefined. */
  write(this: void, value: Written<F>, key?: Item): Item;
  /** The type of an item of which only these fields are read. */
  pick<K extends keyof F>(this: void, ...fields: readonly K[]): ItemType<Pick<F, K>>;
}

/**
 * Declares a kind of item.
 * @param tables of its capability: they name the key in errors.
 * @param fields of the value in the code, each with the attribute that stores it.
 */
export function itemType<T extends Tables, F extends Fields>(
  tables: T,
  table: keyof T & string,
  fields: F,
): ItemType<F> {
  const pairs = Object.entries(fields) as [string, Attribute<unknown>][];
  return {
    attributes: pairs.map(([, { name }]) => name),
    read(item) {
      const value: Record<string, unknown> = {};
      for (const [field, attribute] of pairs) {
        const stored = item[attribute.name];
        if (stored === undefined) {
          if (attribute.fallback !== undefined) value[field] = attribute.fallback;
          else if (!attribute.isOptional) throw fault(tables, table, item, attribute);
          continue;
        }
        const decoded = attribute.decode(stored);
        if (decoded === undefined) throw fault(tables, table, item, attribute);
        value[field] = decoded;
      }
      return value as Value<F>;
    },
    write(value, key) {
      // Not `{ ...key }`: V8 then creates a hidden class for each item, which costs 25 µs an item.
      const item: Item = {};
      for (const name in key) item[name] = key[name];
      for (const [field, { name, encode }] of pairs) {
        const one = (value as Record<string, unknown>)[field];
        if (one !== undefined) item[name] = encode(one);
      }
      return item;
    },
    pick: (...names) =>
      itemType(
        tables,
        table,
        Object.fromEntries(names.map((name) => [name, fields[name]])) as Pick<F, (typeof names)[number]>,
      ),
  };
}

/** A defect of ours, or an item that something else wrote: retrying cannot help. */
function fault(tables: Tables, table: string, item: Item, { name, type }: Attribute<unknown>): TypeError {
  const { partitionKey, sortKey } = tables[table] ?? {};
  const key = [partitionKey, sortKey].flatMap((one) => (one ? `${one.name} ${JSON.stringify(item[one.name])}` : []));
  const found = item[name] === undefined ? `has no ${name}` : `has another type in ${name}`;
  return new TypeError(`The item of ${table} with ${key.join(', ')} ${found}; wanted is ${type}`);
}
