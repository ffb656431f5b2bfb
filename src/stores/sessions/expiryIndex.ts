import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import type { SessionHead } from '../../domain/sessions/session';
import { batchGet } from '../batchGet';
import { type Db, isConditionFailure } from '../dynamodb';
import { queryFrom } from '../query';
import { HEAD_ATTRIBUTES, headKey, headOf } from './items';

/**
 * Which sessions are to be looked at when. An index is eventually consistent: what it names is read again, strongly,
 * before anything is decided, and what it does not name yet was written within the last moments.
 */
export class ExpiryIndex {
  constructor(private readonly db: Db) {}

  /** Keys that are due, oldest first, a page at a time. */
  async *due(bucket: string, now: number, pageSize: number): AsyncGenerator<string[]> {
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await this.query(bucket, {
        condition: '<= :at',
        at: now,
        limit: pageSize,
        ...defined({ from: ExclusiveStartKey }),
      });
      if (page.keys.length > 0) yield page.keys.map(({ key }) => key);
      ExclusiveStartKey = page.next;
    } while (ExclusiveStartKey);
  }

  /** When the next one is due, after this instant. */
  async next(bucket: string, after: number): Promise<number | undefined> {
    const { keys } = await this.query(bucket, { condition: '> :at', at: after, limit: 1 });
    return keys[0]?.checkAt;
  }

  /** Since when (epoch ms) the oldest of a bucket has been due; undefined where none is. */
  async oldestDue(bucket: string, now: number): Promise<number | undefined> {
    const { keys } = await this.query(bucket, { condition: '<= :at', at: now, limit: 1 });
    return keys[0]?.checkAt;
  }

  /** As they are now; those that are gone are left out. */
  async heads(keys: readonly string[]): Promise<SessionHead[]> {
    const { Sessions } = await batchGet(this.db, {
      Sessions: { keys: keys.map(headKey), consistent: true, projection: HEAD_ATTRIBUTES },
    });
    return Sessions.map(headOf);
  }

  /** Looks again later. */
  async rearm({ key }: SessionHead, checkAt: number): Promise<void> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('Sessions'),
          Key: headKey(key),
          UpdateExpression: 'SET CheckAt = :checkAt',
          // The races: an end meanwhile, whose event is owed at once; a save that brought the end nearer.
          ConditionExpression:
            'attribute_not_exists(EndedAt) AND ExpiresAt >= :checkAt AND attribute_exists(ExpiryBucket)',
          ExpressionAttributeValues: { ':checkAt': checkAt },
        }),
      );
    } catch (error) {
      // It is still due, so the next look sees to what became of it.
      if (!isConditionFailure(error)) throw error;
    }
  }

  private async query(
    bucket: string,
    { condition, at, limit, from }: { condition: string; at: number; limit: number; from?: Record<string, unknown> },
  ) {
    const where = `ExpiryBucket = :bucket AND CheckAt ${condition}`;
    const query = { table: 'Sessions', index: 'Expiry', where, values: { ':bucket': bucket, ':at': at }, limit };
    const { items, next } = await queryFrom(this.db, query, from);
    return {
      keys: items.map((item) => ({ key: item['SessionKey'] as string, checkAt: item['CheckAt'] as number })),
      next,
    };
  }
}
