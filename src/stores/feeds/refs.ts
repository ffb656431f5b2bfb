import { defined } from '../../domain/defined';
import type { FeedDirection, Window } from '../../domain/feeds/merge';
import type { PostRef } from '../../domain/feeds/post';
import type { Db } from '../dynamodb';
import type { Item } from '../items';
import { queryAll, readEach } from '../query';

/** A part of a list: up to `limit` references in reading order. */
export interface ListPart {
  window: Window;
  direction: FeedDirection;
  limit: number;
}

/**
 * Returns a part of a table whose keys are a user and a post's time and id. Strongly consistent. Returns fewer than
 * `limit` references only at the end of the window.
 */
export async function refsIn<R extends PostRef>(
  db: Db,
  table: 'AuthorPosts' | 'Feed',
  userId: string,
  { window, direction, limit }: ListPart,
  refOf: (item: Item) => R,
): Promise<R[]> {
  const { after, before } = window;
  if (after !== undefined && before !== undefined && after >= before) return [];
  const [condition, callLimit] = bounds(window, limit);
  const found: R[] = [];
  const query = {
    table,
    where: `UserID = :user${condition}`,
    values: {
      ':user': userId,
      ...defined({ ':after': after, ':before': before }),
    },
    descending: direction !== 'newer',
    consistent: true,
    limit: callLimit,
  };
  for await (const items of queryAll(db, query)) {
    found.push(...readEach(db, items, refOf).filter(({ key }) => key !== after && key !== before));
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

/**
 * Returns the key condition and the limit of a call. BETWEEN includes both ends, so the query may have to read two more
 * items.
 */
function bounds({ after, before }: Window, limit: number): [condition: string, limit: number] {
  if (after !== undefined && before !== undefined) return [' AND TimePostID BETWEEN :after AND :before', limit + 2];
  if (after !== undefined) return [' AND TimePostID > :after', limit];
  return [before === undefined ? '' : ' AND TimePostID < :before', limit];
}
