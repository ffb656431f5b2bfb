import { QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { type List, type Page, type PageRequest, startAt, toCursor } from './cursor';
import type { Db } from './dynamodb';

export type { Item } from './items';
import { type Item, MalformedItem } from './items';

/** A query of one table; by default eventually consistent and in ascending order. */
export interface TableQuery {
  /** The table's name without its prefix. */
  table: string;
  index?: string;
  /** The key condition. Absent: a scan of the whole table. */
  where?: string;
  filter?: string;
  /** Aliases of reserved words. */
  names?: Readonly<Record<string, string>>;
  values?: Readonly<Record<string, unknown>>;
  /** Attributes to read. Default: all attributes of the table or the index. */
  projection?: string;
  consistent?: boolean;
  descending?: boolean;
  /** Maximum number of items that one call reads. */
  limit?: number;
}

type Start = Record<string, unknown> | undefined;

/**
 * Reads the items after the start key in one call: at most `limit` items, and at most 1 MB.
 * @returns `next`, the start key of the next call, if there may be more items.
 */
export async function queryFrom(
  db: Pick<Db, 'client' | 'table'>,
  query: TableQuery,
  start?: Start,
): Promise<{ items: Item[]; next: Start }> {
  const input = {
    TableName: db.table(query.table),
    IndexName: query.index,
    FilterExpression: query.filter,
    ExpressionAttributeNames: query.names,
    ExpressionAttributeValues: query.values,
    ProjectionExpression: query.projection,
    ConsistentRead: query.consistent,
    Limit: query.limit,
    ExclusiveStartKey: start,
  };
  const { Items = [], LastEvaluatedKey } = await db.client.send(
    query.where === undefined
      ? new ScanCommand(input)
      : new QueryCommand({
          ...input,
          KeyConditionExpression: query.where,
          ScanIndexForward: query.descending ? false : undefined,
        }),
  );
  return { items: Items, next: LastEvaluatedKey };
}

/** Reads the items that one call returns: at most `limit` of them, and at most 1 MB. */
export async function queryOnce(db: Pick<Db, 'client' | 'table'>, query: TableQuery): Promise<Item[]> {
  return (await queryFrom(db, query)).items;
}

/** Reads all items. Yields the items of one call; the next call follows when the caller asks for more. */
export async function* queryAll(db: Pick<Db, 'client' | 'table'>, query: TableQuery): AsyncGenerator<Item[]> {
  let start: Start;
  do {
    const { items, next } = await queryFrom(db, query, start);
    yield items;
    start = next;
  } while (start);
}

/**
 * Converts the items of a list. Skips and reports a malformed item, so that one item does not fail the whole list.
 * @throws MalformedItem if the process has no reporter for it, because a script must not silently skip an item.
 */
export function readEach<T>({ onMalformed }: Pick<Db, 'onMalformed'>, items: readonly Item[], of: (item: Item) => T) {
  return items.flatMap((item): T[] => {
    try {
      return [of(item)];
    } catch (error) {
      if (!onMalformed || !(error instanceof MalformedItem)) throw error;
      onMalformed(error);
      return [];
    }
  });
}

/**
 * Reads one page of a list in one call: 50 items unless the request has a limit. With a filter a page may have fewer.
 * @param list the list that the page's cursor identifies.
 * @param of converts an item to an element of the list. The page skips malformed items (see `readEach`).
 * @throws LongwatchError `invalid` for a cursor of another release or of another list.
 */
export async function queryPage<T>(
  db: Db,
  list: List,
  query: TableQuery,
  { cursor, limit = 50 }: PageRequest,
  of: (item: Item) => T,
): Promise<Page<T>> {
  const { ExclusiveStartKey } = startAt(list, cursor, db.keys(query.table, query.index));
  const { items, next } = await queryFrom(db, { ...query, limit }, ExclusiveStartKey);
  return { items: readEach(db, items, of), ...toCursor(list, next) };
}
