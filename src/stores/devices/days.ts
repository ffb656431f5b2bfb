import { DeleteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Day } from '../../domain/devices/days';
import { compositeKey } from '../../domain/ids';
import { batchWrite } from '../batchWrite';
import { type Db, isConditionFailure } from '../dynamodb';
import { composite, type Item, itemType, number, set, text } from '../items';
import { queryAll, queryOnce, readEach } from '../query';
import type { TransactItem } from '../platform/outbox';
import { bucketOf, dayBucket, DEVICE_BUCKETS } from './keys';
import { deviceTables } from './tables';

/** Sort key of the item with the generation of a day's archive. A write of late readings checks it. */
const FENCE = '#fence';
const PRESENT = 'device';
const LATE = 'late';
/** A placeholder among the metric names, because DynamoDB does not store an empty set. */
const ITSELF = '#';

const nameItems = itemType(deviceTables, 'DeviceDays', { names: set('Names') });
const fenceItems = itemType(deviceTables, 'DeviceDays', { generation: number('Generation') });
const tokenItems = itemType(deviceTables, 'DeviceDays', { token: text('Token') });
const entryItems = itemType(deviceTables, 'DeviceDays', { entry: composite('Entry') });

/**
 * A device with late readings. The token changes with each late reading, so that a removal does not remove a newer
 * entry.
 */
export interface LateDevice {
  deviceId: string;
  token: string;
}

/** The devices with readings on each day. */
export class DayStore {
  constructor(private readonly db: Db) {}

  /**
   * Records that a device has readings on a day, and the names of their metrics. Must be written before the readings,
   * so that the archive finds them.
   * @returns false if the day has more than `maxNames` names already; then nothing changes.
   */
  async note(deviceId: string, day: Day, names: Iterable<string>, maxNames: number): Promise<boolean> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('DeviceDays'),
          Key: this.key(deviceId, day, PRESENT),
          UpdateExpression: 'ADD #names :names',
          // Race: two requests add new names at the same time. Together they can exceed the limit by the names of one
          // reading, which the item's maximum size allows.
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

  /**
   * Returns the metric names of a device on a day; undefined if the day has no readings of the device. Strongly
   * consistent.
   */
  async names(deviceId: string, day: Day): Promise<ReadonlySet<string> | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('DeviceDays'),
        Key: this.key(deviceId, day, PRESENT),
        ConsistentRead: true,
      }),
    );
    return Item && nameItems.read(Item).names;
  }

  /**
   * Returns the generation of a day's archive, for writers of late readings; 0 if the day is not archived. Strongly
   * consistent.
   */
  async generation(deviceId: string, day: Day): Promise<number> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('DeviceDays'),
        Key: { DayBucket: dayBucket(day, bucketOf(deviceId)), Entry: FENCE },
        ConsistentRead: true,
      }),
    );
    return Item ? fenceItems.read(Item).generation : 0;
  }

  /**
   * Returns the item of a `TransactWriteItems` that fails if the generation has changed: late readings were checked
   * against the archive of this generation.
   */
  fenced(deviceId: string, day: Day, generation: number): TransactItem {
    return {
      ConditionCheck: {
        TableName: this.db.table('DeviceDays'),
        Key: { DayBucket: dayBucket(day, bucketOf(deviceId)), Entry: FENCE },
        // Race: the day is archived and its rows are deleted after the check and before the write. Then a copy of an
        // archived row would be stored as a new row.
        ConditionExpression: generation === 0 ? 'attribute_not_exists(Generation)' : 'Generation = :generation',
        ...(generation > 0 && { ExpressionAttributeValues: { ':generation': generation } }),
      },
    };
  }

  /** Returns the item of a `TransactWriteItems` that sets the generation of one bucket of a day. */
  moveFence(day: Day, bucket: number, generation: number): TransactItem {
    return {
      Put: {
        TableName: this.db.table('DeviceDays'),
        Item: fenceItems.write({ generation }, { DayBucket: dayBucket(day, bucket), Entry: FENCE }),
      },
    };
  }

  /**
   * Returns the item of a `TransactWriteItems` that records a device with late readings, for the transaction that
   * writes them.
   */
  noteLate(deviceId: string, day: Day, token: string): TransactItem {
    return { Put: { TableName: this.db.table('DeviceDays'), Item: this.lateItem(deviceId, day, token) } };
  }

  /** Records devices with rows that the next archive of the day must include, without a transaction. */
  async noteAllLate(day: Day, deviceIds: readonly string[], token: string): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceDays',
      deviceIds.map((deviceId) => ({ PutRequest: { Item: this.lateItem(deviceId, day, token) } })),
    );
  }

  /** Returns whether any device has readings on the day, or late readings. */
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

  /** Returns the devices of one bucket with readings on the day, ordered by id. Strongly consistent. */
  devices(day: Day, bucket: number): Promise<string[]> {
    return this.entries(day, bucket, PRESENT, deviceOf);
  }

  /** Returns the devices of one bucket with late readings. Strongly consistent. */
  lateDevices(day: Day, bucket: number): Promise<LateDevice[]> {
    return this.entries(day, bucket, LATE, (item) => ({ deviceId: deviceOf(item), ...tokenItems.read(item) }));
  }

  /** Removes a device with late readings, unless more of them arrived meanwhile. */
  async forgetLate(day: Day, { deviceId, token }: LateDevice): Promise<void> {
    try {
      await this.db.client.send(
        new DeleteCommand({
          TableName: this.db.table('DeviceDays'),
          Key: this.key(deviceId, day, LATE),
          // Race: another late reading arrives after the archive was written. Its entry stays.
          ConditionExpression: '#token = :token',
          ExpressionAttributeNames: { '#token': 'Token' },
          ExpressionAttributeValues: { ':token': token },
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  }

  /** Removes devices of a day whose readings and rollups are deleted. */
  async forget(day: Day, deviceIds: readonly string[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceDays',
      deviceIds.flatMap((deviceId) =>
        [PRESENT, LATE].map((kind) => ({ DeleteRequest: { Key: this.key(deviceId, day, kind) } })),
      ),
    );
  }

  private async entries<T>(day: Day, bucket: number, kind: string, of: (item: Item) => T): Promise<T[]> {
    const found: T[] = [];
    const query = {
      table: 'DeviceDays',
      where: 'DayBucket = :bucket AND begins_with(Entry, :kind)',
      values: { ':bucket': dayBucket(day, bucket), ':kind': `${kind}#` },
      // Without the metric names, which no caller needs.
      projection: 'Entry, #token',
      names: { '#token': 'Token' },
      consistent: true,
    };
    for await (const items of queryAll(this.db, query)) found.push(...readEach(this.db, items, of));
    return found;
  }

  private lateItem(deviceId: string, day: Day, token: string): Item {
    return tokenItems.write({ token }, this.key(deviceId, day, LATE));
  }

  private key(deviceId: string, day: Day, kind: string) {
    return { DayBucket: dayBucket(day, bucketOf(deviceId)), Entry: compositeKey(kind, deviceId) };
  }
}

const deviceOf = (item: Item): string => entryItems.read(item).entry[1] ?? '';
