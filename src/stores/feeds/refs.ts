import { QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import type { FeedDirection, Window } from '../../domain/feeds/merge';
import type { PostRef } from '../../domain/feeds/post';
import type { Db } from '../dynamodb';

/** A part of one list: up to `limit` references in the order of reading. */
export interface ListPart {
  window: Window;
  direction: FeedDirection;
  limit: number;
}

/**
 * References of a table whose keys are a user and the place of a post. Strongly consistent; fewer than `limit` only at
 * the end.
 */
export async function refsIn<R extends PostRef>(
  db: Db,
  table: 'AuthorPosts' | 'Feed',
  userId: string,
  { window, direction, limit }: ListPart,
  refOf: (item: Record<string, unknown>) => R,
): Promise<R[]> {
  const { after, before } = window;
  if (after !== undefined && before !== undefined && after >= before) return [];
  const [condition, Limit] = bounds(window, limit);
  const found: R[] = [];
  let start: QueryCommandInput['ExclusiveStartKey'];
  do {
    const { Items = [], LastEvaluatedKey } = await db.client.send(
      new QueryCommand({
        TableName: db.table(table),
        KeyConditionExpression: `UserID = :user${condition}`,
        ExpressionAttributeValues: {
          ':user': userId,
          ...defined({ ':after': after, ':before': before }),
        },
        ScanIndexForward: direction === 'newer',
        ConsistentRead: true,
        Limit,
        ...defined({ ExclusiveStartKey: start }),
      }),
    );
    found.push(...Items.map(refOf).filter(({ key }) => key !== after && key !== before));
    start = LastEvaluatedKey;
  } while (start && found.length < limit);
  return found.slice(0, limit);
}

/** BETWEEN takes both ends in, so it may have to read two more. */
function bounds({ after, before }: Window, limit: number): [condition: string, limit: number] {
  if (after !== undefined && before !== undefined) return [' AND TimePostID BETWEEN :after AND :before', limit + 2];
  if (after !== undefined) return [' AND TimePostID > :after', limit];
  return [before === undefined ? '' : ' AND TimePostID < :before', limit];
}
