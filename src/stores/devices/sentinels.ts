import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Day } from '../../domain/devices/days';
import { batchWrite } from '../batchWrite';
import type { Db } from '../dynamodb';
import type { Item } from '../items';
import type { TransactItem } from '../platform/outbox';
import { compositeKey } from '../../domain/ids';
import { deviceDay, sentinelOf } from './keys';
import { SENTINEL } from './readings';

/**
 * Sentinels in the stream of DeviceData, after the readings of a device. A stream keeps the order of a partition: a
 * reader that has passed a sentinel has read every reading that was written before it.
 */
export class SentinelStore {
  constructor(private readonly db: Db) {}

  /** Writes a sentinel. */
  async put(deviceId: string, day: Day, id: string): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.db.table('DeviceData'),
        Item: { DeviceDay: deviceDay(deviceId, day), TimestampSeq: compositeKey(SENTINEL, id) },
      }),
    );
  }

  /** Returns the item of a `TransactWriteItems` that records that the stream reader has passed a sentinel. */
  seen(item: Item): TransactItem {
    const { deviceId, day, id } = sentinelOf(item);
    return {
      Put: { TableName: this.db.table('Devices'), Item: { DeviceID: deviceId, Entry: compositeKey('seen', day, id) } },
    };
  }

  /** Returns whether the stream reader has passed a sentinel. Strongly consistent. */
  async isSeen(deviceId: string, day: Day, id: string): Promise<boolean> {
    const Key = { DeviceID: deviceId, Entry: compositeKey('seen', day, id) };
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Devices'), Key, ConsistentRead: true }),
    );
    return Item !== undefined;
  }

  /** Deletes sentinels, and the records that the stream reader has passed them. */
  async remove(deviceId: string, days: readonly Day[], id: string): Promise<void> {
    const keys = days.map((day) => ({ DeviceDay: deviceDay(deviceId, day), TimestampSeq: compositeKey(SENTINEL, id) }));
    await batchWrite(
      this.db,
      'DeviceData',
      keys.map((Key) => ({ DeleteRequest: { Key } })),
    );
    const notes = days.map((day) => ({ DeviceID: deviceId, Entry: compositeKey('seen', day, id) }));
    await batchWrite(
      this.db,
      'Devices',
      notes.map((Key) => ({ DeleteRequest: { Key } })),
    );
  }
}
