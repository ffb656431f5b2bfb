import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Db } from '../dynamodb';

/** A number that is exact up to a bound, beyond which nobody counts on. */
export interface Bounded {
  count: number;
  /** There are more than `count`. */
  more: boolean;
}

/** Dead letters of a stream, counted up to a limit; letters may be large, so a few. */
export async function deadLetterCount(db: Db, source: string, limit = 25): Promise<Bounded> {
  const { Count = 0, LastEvaluatedKey } = await db.client.send(
    new QueryCommand({
      TableName: db.table('DeadLetters'),
      KeyConditionExpression: '#source = :source',
      ExpressionAttributeNames: { '#source': 'Source' },
      ExpressionAttributeValues: { ':source': source },
      Select: 'COUNT',
      Limit: limit,
    }),
  );
  return { count: Count, more: LastEvaluatedKey !== undefined };
}
