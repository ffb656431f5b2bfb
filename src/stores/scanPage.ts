import type { List, Page } from './cursor';
import type { Db } from './dynamodb';
import { type Item, queryPage } from './query';

/** A page of at most 1 MB consumes at most 128 read units (half a unit for 4 KB). */
const ITEMS_A_PAGE = 1_000;

/** The items and attributes that a scan returns. */
export interface ScanFilter {
  /** Attributes to return; they may be reserved words. */
  attributes: readonly string[];
  /** Names its attributes by the aliases `#<attribute>`. */
  condition: string;
  values: Readonly<Record<string, unknown>>;
}

/**
 * Returns one filtered page of a whole table, eventually consistent. Only for background work that pauses between
 * pages: no request scans.
 * @param of converts an item. The page skips malformed items.
 * @throws LongwatchError `invalid` for a cursor of another release or of another table.
 */
export function scanPage<T>(
  db: Db,
  table: string,
  { attributes, condition, values }: ScanFilter,
  cursor: string | undefined,
  of: (item: Item) => T,
): Promise<Page<T>> {
  const list: List = { name: 'scan', of: { table } };
  const scan = {
    table,
    filter: condition,
    projection: attributes.map((name) => `#${name}`).join(', '),
    names: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
    values,
  };
  return queryPage(db, list, scan, { cursor, limit: ITEMS_A_PAGE }, of);
}
