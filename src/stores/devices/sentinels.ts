import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Day } from '../../domain/devices/days';
import { batchWrite } from '../batchWrite';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { compositeKey } from '../../domain/ids';
import { deviceDay } from './keys';
import { SENTINEL } from './readings';

/**
 * Marks that go through the stream of DeviceData behind a device's readings. A stream keeps the order of a partition:
 * once its reader has seen the mark, it has read every reading that was written before.
 */
export class SentinelStore {
  constructor(private readonly db: Db) {}

  async put(deviceId: string, day: Day, id: string): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.db.table('DeviceData'),
        Item: { DeviceDay: deviceDay(deviceId, day), TimestampSeq: compositeKey(SENTINEL, id) },
      }),
    );
  }

  /** The part of a `TransactWriteItems` that says that a mark was read. */
  seen(item: Readonly<Record<string, unknown>>): TransactItem {
    const [deviceId = '', day = ''] = (item['DeviceDay'] as string).split('#');
    const [, id = ''] = (item['TimestampSeq'] as string).split('#');
    return {
      Put: { TableName: this.db.table('Devices'), Item: { DeviceID: deviceId, Entry: compositeKey('seen', day, id) } },
    };
  }

  async isSeen(deviceId: string, day: Day, id: string): Promise<boolean> {
    const Key = { DeviceID: deviceId, Entry: compositeKey('seen', day, id) };
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Devices'), Key, ConsistentRead: true }),
    );
    return Item !== undefined;
  }

  /** Removes marks, and the notes that they were read. */
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
