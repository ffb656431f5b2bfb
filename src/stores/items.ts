import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { compositeKey, iso } from '../domain/ids';
import type { Tables } from './tableSpec';

/** An unmarshalled item, as the document client reads and writes it. */
export type Item = Record<string, unknown>;

/**
 * An item without a required attribute, or with an attribute of another type: a bug, or an item that another program
 * wrote. A retry cannot help.
 */
export class MalformedItem extends TypeError {
  /** @param reason names the attribute and its type, without any of the item's values. */
  constructor(
    message: string,
    readonly reason: string,
  ) {
    super(message);
  }
}

/** Returns the reason of the first malformed item, for a dead letter; undefined if `read` accepts all items. */
export function faultOf(read: (item: Item) => unknown, ...items: readonly Item[]): string | undefined {
  try {
    items.forEach(read);
    return undefined;
  } catch (error) {
    if (error instanceof MalformedItem) return error.reason;
    throw error;
  }
}

/** An attribute: its name, its type in the table, and the conversion of its value. */
export interface Attribute<T, Optional extends boolean = boolean> {
  readonly name: string;
  /** The stored type, as error messages name it: "a string". */
  readonly type: string;
  readonly isOptional: Optional;
  /** The value of an item without the attribute. */
  readonly fallback?: T;
  /** Converts the stored value. @returns undefined if it has another type. */
  decode(stored: unknown): T | undefined;
  /** Converts a value to its stored form. */
  encode(value: T): unknown;
}

type Fields = Readonly<Record<string, Attribute<unknown>>>;
type ValueOf<A> = A extends Attribute<infer T> ? T : never;
type Value<F extends Fields> = {
  [K in keyof F as F[K] extends Attribute<unknown, false> ? K : never]: ValueOf<F[K]>;
} & { [K in keyof F as F[K] extends Attribute<unknown, false> ? never : K]?: ValueOf<F[K]> };

/** The parameter of `write`: an optional field may also be undefined. */
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

/** Declares a string attribute. With a type parameter (a status, an id) the values are not validated. */
export const text = primitive<string>('a string', 'string');
/** Declares a number attribute. */
export const number = primitive<number>('a number', 'number');
/** Declares a boolean attribute. */
export const flag = primitive<boolean>('a boolean', 'boolean');

/**
 * Declares an attribute whose value is converted from its stored type. `decode` returns undefined or throws if the
 * stored value is malformed.
 */
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

/** Declares an attribute with an object, which `is` recognises. The object's content is not validated. */
const object =
  <P>(type: string, is: (stored: unknown) => boolean) =>
  <T extends P = P>(name: string): Attribute<T, false> => ({
    name,
    type,
    isOptional: false,
    decode: (stored) => (is(stored) ? (stored as T) : undefined),
    encode: same,
  });

/** Declares a binary attribute. */
export const bytes = object<Uint8Array>('binary', ArrayBuffer.isView);
/** Declares a set of strings. */
export const set = object<ReadonlySet<string>>('a set', (stored) => stored instanceof Set);
/** Declares a list attribute. Its elements are not validated. */
export const list = <E>(name: string) => object<readonly E[]>('a list', Array.isArray)(name);
/** Declares a map attribute. Its content is not validated. */
export const map = object<object>(
  'a map',
  (stored) => typeof stored === 'object' && stored !== null && !Array.isArray(stored) && !ArrayBuffer.isView(stored),
);

/**
 * Declares a map whose keys are chosen by callers. It is a Map, because a key can be `constructor`, which every object
 * inherits.
 */
export const mapping = <V>(name: string) =>
  made<ReadonlyMap<string, V>, object>(map, 'a map', {
    decode: (stored) => new Map<string, V>(Object.entries(stored)),
    encode: (value) => value,
  })(name);

/** Declares an instant (epoch ms), stored as ISO 8601 UTC. */
export const instant = made<number, string>(text, 'an ISO 8601 instant', {
  decode(stored) {
    const at = Date.parse(stored);
    return Number.isNaN(at) ? undefined : at;
  },
  encode: iso,
});

/** Declares an attribute with any value, stored as JSON. Its shape is not validated. */
export const json = <T>(name: string) =>
  made<T, string>(text, 'a JSON string', {
    decode: (stored) => JSON.parse(stored) as T,
    encode: (value) => JSON.stringify(value),
  })(name);

/** Declares an attribute with any value, stored as deflated JSON. Its shape is not validated. */
export const deflatedJson = <T>(name: string) =>
  made<T, Uint8Array>(bytes, 'deflated JSON', {
    decode: (stored) => JSON.parse(inflateRawSync(stored).toString()) as T,
    encode: (value) => deflateRawSync(JSON.stringify(value)),
  })(name);

/** Declares a key attribute with a prefix, which the value does not have. */
export const prefixed = (name: string, prefix: string) =>
  made<string, string>(text, `a string that begins with ${prefix}`, {
    decode: (stored) => (stored.startsWith(prefix) ? stored.slice(prefix.length) : undefined),
    encode: (value) => prefix + value,
  })(name);

/** Declares an attribute with the parts of a composite key. */
export const composite = made<readonly string[], string>(text, 'a composite key', {
  decode: (stored) => stored.split('#'),
  encode: (parts) => compositeKey(...parts),
});

/** Declares an attribute with a value of any type, including null. Its shape is not validated. */
export const anything = <T>(name: string): Attribute<T, false> => ({
  name,
  type: 'anything',
  isOptional: false,
  decode: (stored) => stored as T,
  encode: same,
});

/** Makes an attribute optional: items may lack it. */
export const optional = <T>(attribute: Attribute<T, false>): Attribute<T, true> => ({
  ...attribute,
  isOptional: true,
});

/** Gives an attribute a value for items that lack it, because an earlier release wrote them. */
export const orElse = <T>(attribute: Attribute<T, false>, fallback: T): Attribute<T, false> => ({
  ...attribute,
  fallback,
});

/** The attributes of one kind of item. Only this declaration has their names and types. */
export interface ItemType<F extends Fields> {
  /** The names of the attributes, for a projection. */
  readonly attributes: readonly string[];
  /**
   * Converts an item to a value. Ignores attributes that are not declared (a key, an attribute of another release).
   * @throws MalformedItem with table, key and attribute, if an attribute is missing or has another type.
   */
  read(this: void, item: Item): Value<F>;
  /** Converts a value to an item with the given key. Undefined fields are omitted. */
  write(this: void, value: Written<F>, key?: Item): Item;
  /** Returns a type with only these fields, for reads that need no others. */
  pick<K extends keyof F>(this: void, ...fields: readonly K[]): ItemType<Pick<F, K>>;
}

/**
 * Declares a kind of item.
 * @param tables the tables of its capability, whose keys error messages contain.
 * @param table the logical name of its table.
 * @param fields the fields of the value, each with the attribute that stores it.
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
      // Not `{ ...key }`: with it, V8 creates a hidden class for each item, which costs 25 µs per item.
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

function fault(tables: Tables, table: string, item: Item, { name, type }: Attribute<unknown>): MalformedItem {
  const { partitionKey, sortKey } = tables[table] ?? {};
  const key = [partitionKey, sortKey].flatMap((one) => (one ? `${one.name} ${JSON.stringify(item[one.name])}` : []));
  const found = item[name] === undefined ? `has no ${name}` : `has another type in ${name}`;
  return new MalformedItem(
    `The item of ${table} with ${key.join(', ')} ${found}; expected: ${type}`,
    `${name} is not ${type}`,
  );
}
