import { DeleteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Day } from '../../domain/devices/days';
import { compositeKey } from '../../domain/ids';
import { batchWrite } from '../batchWrite';
import { type Db, isConditionFailure } from '../dynamodb';
import { queryAll, queryOnce } from '../query';
import type { TransactItem } from '../platform/outbox';
import { bucketOf, dayBucket, DEVICE_BUCKETS } from './keys';

const FENCE = '#fence';
const PRESENT = 'device';
const LATE = 'late';
/** Stands for the device itself among its metric names: a set is never empty. */
const ITSELF = '#';

/** A device that has readings which came late, and the mark by which one removal is told from the next arrival. */
export interface LateDevice {
  deviceId: string;
  token: string;
}

/** Which devices have a day. */
export class DayStore {
  constructor(private readonly db: Db) {}

  /**
   * Notes that a device has a day, and the metrics by which it goes. Must be written before its readings: from here the
   * archive knows of them.
   * @returns false when the day would have more than so many names; nothing is changed then.
   */
  async note(deviceId: string, day: Day, names: Iterable<string>, maxNames: number): Promise<boolean> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('DeviceDays'),
          Key: this.key(deviceId, day, PRESENT),
          UpdateExpression: 'ADD #names :names',
          // The race: two requests with new names at once. Each is within the bound by itself; together they may pass
          // it
          // by what one reading holds, which the item's size allows for.
          ConditionExpression: 'attribute_not_exists(#names) OR size(#names) <= :max',
          ExpressionAttributeNames: { '#names': 'Names' },
          ExpressionAttributeValues: { ':names': new Set([ITSELF, ...names]), ':max': maxNames },
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
  }

  /** The metric names that a device has on a day; undefined when the day knows nothing of it. */
  async names(deviceId: string, day: Day): Promise<ReadonlySet<string> | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('DeviceDays'),
        Key: this.key(deviceId, day, PRESENT),
        ConsistentRead: true,
      }),
    );
    return Item && (Item['Names'] as Set<string>);
  }

  /** How often the day was archived, as writers of late readings see it: 0 while it was not. */
  async generation(deviceId: string, day: Day): Promise<number> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('DeviceDays'),
        Key: { DayBucket: dayBucket(day, bucketOf(deviceId)), Entry: FENCE },
        ConsistentRead: true,
      }),
    );
    return (Item?.['Generation'] as number | undefined) ?? 0;
  }

  /**
   * Holds late readings to the generation that was read: what is checked against an archive must not meet the next one.
   */
  fenced(deviceId: string, day: Day, generation: number): TransactItem {
    return {
      ConditionCheck: {
        TableName: this.db.table('DeviceDays'),
        Key: { DayBucket: dayBucket(day, bucketOf(deviceId)), Entry: FENCE },
        // The race: the day is archived, and its rows deleted, between our look and our write. A copy of a row that has
        // gone to the archive would be taken for a new one.
        ConditionExpression: generation === 0 ? 'attribute_not_exists(Generation)' : 'Generation = :generation',
        ...(generation > 0 && { ExpressionAttributeValues: { ':generation': generation } }),
      },
    };
  }

  /** Moves the fence of one bucket of a day. */
  moveFence(day: Day, bucket: number, generation: number): TransactItem {
    return {
      Put: {
        TableName: this.db.table('DeviceDays'),
        Item: { DayBucket: dayBucket(day, bucket), Entry: FENCE, Generation: generation },
      },
    };
  }

  /** Notes that a device has late readings; in one transaction with them. */
  noteLate(deviceId: string, day: Day, token: string): TransactItem {
    return {
      Put: { TableName: this.db.table('DeviceDays'), Item: { ...this.key(deviceId, day, LATE), Token: token } },
    };
  }

  /** Notes that devices have rows that an archive is to look at, outside of any transaction. */
  async noteAllLate(day: Day, deviceIds: readonly string[], token: string): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceDays',
      deviceIds.map((deviceId) => ({ PutRequest: { Item: { ...this.key(deviceId, day, LATE), Token: token } } })),
    );
  }

  /** Whether any device has the day, or has readings of it that came late. */
  async hasAny(day: Day, which: 'present' | 'late'): Promise<boolean> {
    const found = await Promise.all(
      Array.from({ length: DEVICE_BUCKETS }, (_, bucket) =>
        queryOnce(this.db, {
          table: 'DeviceDays',
          where: 'DayBucket = :bucket AND begins_with(Entry, :kind)',
          values: { ':bucket': dayBucket(day, bucket), ':kind': `${which === 'late' ? LATE : PRESENT}#` },
          projection: 'Entry',
          limit: 1,
        }),
      ),
    );
    return found.some((items) => items.length > 0);
  }

  /** The devices that have the day, in one bucket, by their ids. */
  async devices(day: Day, bucket: number): Promise<string[]> {
    return (await this.entries(day, bucket, PRESENT)).map(deviceOf);
  }

  async lateDevices(day: Day, bucket: number): Promise<LateDevice[]> {
    return (await this.entries(day, bucket, LATE)).map((item) => ({
      deviceId: deviceOf(item),
      token: item['Token'] as string,
    }));
  }

  /** Forgets that a device was late, unless it was again meanwhile. */
  async forgetLate(day: Day, { deviceId, token }: LateDevice): Promise<void> {
    try {
      await this.db.client.send(
        new DeleteCommand({
          TableName: this.db.table('DeviceDays'),
          Key: this.key(deviceId, day, LATE),
          // The race: another late reading came in after the archive was written. Its mark stays.
          ConditionExpression: '#token = :token',
          ExpressionAttributeNames: { '#token': 'Token' },
          ExpressionAttributeValues: { ':token': token },
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  }

  /** Forgets devices of a day whose readings and rollups are gone. */
  async forget(day: Day, deviceIds: readonly string[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceDays',
      deviceIds.flatMap((deviceId) =>
        [PRESENT, LATE].map((kind) => ({ DeleteRequest: { Key: this.key(deviceId, day, kind) } })),
      ),
    );
  }

  private async entries(day: Day, bucket: number, kind: string): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    const query = {
      table: 'DeviceDays',
      where: 'DayBucket = :bucket AND begins_with(Entry, :kind)',
      values: { ':bucket': dayBucket(day, bucket), ':kind': `${kind}#` },
      // Without the names, of which nobody here asks.
      projection: 'Entry, #token',
      names: { '#token': 'Token' },
      consistent: true,
    };
    for await (const items of queryAll(this.db, query)) found.push(...items);
    return found;
  }

  private key(deviceId: string, day: Day, kind: string) {
    return { DayBucket: dayBucket(day, bucketOf(deviceId)), Entry: compositeKey(kind, deviceId) };
  }
}

const deviceOf = (item: Record<string, unknown>): string => (item['Entry'] as string).split('#')[1] ?? '';
