import type { List, Page } from './cursor';
import type { Db } from './dynamodb';
import { queryPage } from './query';

/** At half a read unit for 4 KB a page takes at most 128 read units. */
const ITEMS_A_PAGE = 1_000;

export interface ScanFilter {
  /** Attributes that are read; any of them may be a reserved word. */
  attributes: readonly string[];
  /** By the aliases `#<attribute>`. */
  condition: string;
  values: Readonly<Record<string, unknown>>;
}

/**
 * One page of a whole table, filtered, eventually consistent. Only for work that nobody waits for and that pauses
 * between pages: no request scans.
 * @throws LongwatchError `invalid` for a cursor of another release or of another table.
 */
export async function scanPage(
  db: Db,
  table: string,
  { attributes, condition, values }: ScanFilter,
  cursor: string | undefined,
): Promise<Page<Record<string, unknown>>> {
  const list: List = { name: 'scan', of: { table } };
  const scan = {
    table,
    filter: condition,
    projection: attributes.map((name) => `#${name}`).join(', '),
    names: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
    values,
  };
  return queryPage(db, list, scan, { cursor, limit: ITEMS_A_PAGE }, (item) => item);
}
