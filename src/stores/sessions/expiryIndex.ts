import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import type { SessionHead } from '../../domain/sessions/session';
import { batchGet } from '../batchGet';
import { type Db, isConditionFailure } from '../dynamodb';
import { queryFrom, readEach } from '../query';
import { dueItems, HEAD_ATTRIBUTES, headOf } from './items';
import { headKey } from './keys';

/**
 * The index of sessions by the time of their next check. An index is eventually consistent: the sweeper reads each
 * session again, strongly consistent, before it decides. A session that is not in the index yet was written within the
 * last moments.
 */
export class ExpiryIndex {
  constructor(private readonly db: Db) {}

  /** Returns the keys of due sessions, oldest first, one page at a time. */
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

  /** Returns the time of the next check after an instant, epoch ms; undefined if there is none. */
  async next(bucket: string, after: number): Promise<number | undefined> {
    const { keys } = await this.query(bucket, { condition: '> :at', at: after, limit: 1 });
    return keys[0]?.checkAt;
  }

  /** Returns the time since which the oldest session of a bucket has been due, epoch ms; undefined if none is. */
  async oldestDue(bucket: string, now: number): Promise<number | undefined> {
    const { keys } = await this.query(bucket, { condition: '<= :at', at: now, limit: 1 });
    return keys[0]?.checkAt;
  }

  /** Returns the current heads, strongly consistent. Removed sessions are omitted. */
  async heads(keys: readonly string[]): Promise<SessionHead[]> {
    const { Sessions } = await batchGet(this.db, {
      Sessions: { keys: keys.map(headKey), consistent: true, projection: HEAD_ATTRIBUTES },
    });
    return readEach(this.db, Sessions, headOf);
  }

  /** Schedules the next check of a session. */
  async rearm({ key }: SessionHead, checkAt: number): Promise<void> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('Sessions'),
          Key: headKey(key),
          UpdateExpression: 'SET CheckAt = :checkAt',
          // Races: the session ends meanwhile, so that its event is due at once; or a save shortens its life.
          ConditionExpression:
            'attribute_not_exists(EndedAt) AND ExpiresAt >= :checkAt AND attribute_exists(ExpiryBucket)',
          ExpressionAttributeValues: { ':checkAt': checkAt },
        }),
      );
    } catch (error) {
      // The session is still due, so the next sweep checks it again.
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
    return { keys: items.map(dueItems.read), next };
  }
}
