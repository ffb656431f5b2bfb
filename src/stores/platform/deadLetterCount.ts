import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Db } from '../dynamodb';

/** A count with an upper bound. */
export interface Bounded {
  count: number;
  /** Whether there are more than `count`. */
  more: boolean;
}

/**
 * Counts the dead letters of a stream, up to `limit`. The default is low because the query reads whole letters, which
 * can be large.
 */
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
