import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { type Live, NEVER_SEEN } from '../../domain/devices/live';
import type { ReadingRow } from '../../domain/devices/reading';
import { compositeKey } from '../../domain/ids';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import { composite, itemType, json, number, text } from '../items';
import { queryOnce } from '../query';
import type { TransactItem } from '../platform/outbox';
import { bucketOf } from './keys';
import { deviceTables } from './tables';

const liveItems = itemType(deviceTables, 'Devices', {
  deviceId: text('DeviceID'),
  live: json<Live>('Live'),
  version: number('Version'),
});
const deadlineItems = itemType(deviceTables, 'DeviceDeadlines', { dueAtId: composite('DueAtID') });

const LIVE = 'live';

/** The live state of a device, with the version that a write has in its condition. */
export interface VersionedLive {
  live: Live;
  /** 0 if there is no item yet. */
  version: number;
}

/** The time by which a device must report. */
export interface Deadline {
  deviceId: string;
  /** Epoch ms. */
  dueAt: number;
}

/** The live states of devices (newest reading, alerts), and their deadlines. */
export class LiveStore {
  constructor(private readonly db: Db) {}

  /** Returns the live states of devices. Strongly consistent. A device without an item has the state `NEVER_SEEN`. */
  async read(deviceIds: readonly string[]): Promise<Map<string, VersionedLive>> {
    const found = new Map<string, VersionedLive>(deviceIds.map((id) => [id, { live: NEVER_SEEN, version: 0 }]));
    const { Devices } = await batchGet(this.db, {
      Devices: { keys: deviceIds.map((DeviceID) => ({ DeviceID, Entry: LIVE })), consistent: true },
    });
    for (const item of Devices) {
      const { deviceId, ...live } = liveItems.read(item);
      found.set(deviceId, live);
    }
    return found;
  }

  /** Returns the newest reading of a device. Strongly consistent. */
  async latest(deviceId: string): Promise<ReadingRow | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('Devices'),
        Key: { DeviceID: deviceId, Entry: LIVE },
        ConsistentRead: true,
      }),
    );
    return Item && liveItems.read(Item).live.row;
  }

  /**
   * Returns the items of a `TransactWriteItems` that replace the live state of a device, and store the deadline if it
   * is new.
   */
  replace(deviceId: string, before: VersionedLive, after: Live): TransactItem[] {
    const { deadline } = after;
    const put: TransactItem = {
      Put: {
        TableName: this.db.table('Devices'),
        Item: liveItems.write({ deviceId, live: after, version: before.version + 1 }, { Entry: LIVE }),
        // Race: the stream reader and the check of deadlines write the same device, or the readers of two shards do.
        // The one that loses reads the state again.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ...(before.version > 0 && { ExpressionAttributeValues: { ':version': before.version } }),
      },
    };
    if (deadline === undefined || deadline === before.live.deadline) return [put];
    return [put, { Put: { TableName: this.db.table('DeviceDeadlines'), Item: key({ deviceId, dueAt: deadline }) } }];
  }

  /** Returns the item of a `TransactWriteItems` that deletes a deadline. */
  strikeOff(deadline: Deadline): TransactItem {
    return { Delete: { TableName: this.db.table('DeviceDeadlines'), Key: key(deadline) } };
  }

  /**
   * Returns up to `limit` due deadlines of one bucket, oldest first. Eventually consistent: the next query finds a
   * deadline that this one misses, and handling a deadline twice changes nothing.
   */
  async due(bucket: number, now: number, limit: number): Promise<Deadline[]> {
    const items = await queryOnce(this.db, {
      table: 'DeviceDeadlines',
      // `Bucket` is a reserved word.
      where: '#bucket = :bucket AND DueAtID < :now',
      names: { '#bucket': 'Bucket' },
      values: { ':bucket': bucketName(bucket), ':now': padded(now + 1) },
      limit,
    });
    return items.map((item) => {
      const [dueAt = '', deviceId = ''] = deadlineItems.read(item).dueAtId;
      return { deviceId, dueAt: Number(dueAt) };
    });
  }
}

/** Zero-padded, so that string order equals time order. */
const padded = (epochMs: number): string => String(epochMs).padStart(14, '0');
const bucketName = (bucket: number): string => String(bucket).padStart(2, '0');
const key = ({ deviceId, dueAt }: Deadline) => ({
  Bucket: bucketName(bucketOf(deviceId)),
  DueAtID: compositeKey(padded(dueAt), deviceId),
});
