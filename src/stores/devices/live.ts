import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { type Live, NEVER_SEEN } from '../../domain/devices/live';
import type { ReadingRow } from '../../domain/devices/reading';
import { compositeKey } from '../../domain/ids';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import { queryOnce } from '../query';
import type { TransactItem } from '../platform/outbox';
import { bucketOf } from './keys';

const LIVE = 'live';

export interface VersionedLive {
  live: Live;
  /** 0: there is no item yet. */
  version: number;
}

/** By when a device must have reported. */
export interface Deadline {
  deviceId: string;
  /** Epoch ms. */
  dueAt: number;
}

/** What is known of devices at the moment, and the deadlines that wait for them. */
export class LiveStore {
  constructor(private readonly db: Db) {}

  /** Strongly consistent; devices never seen come back so. */
  async read(deviceIds: readonly string[]): Promise<Map<string, VersionedLive>> {
    const found = new Map<string, VersionedLive>(deviceIds.map((id) => [id, { live: NEVER_SEEN, version: 0 }]));
    const { Devices } = await batchGet(this.db, {
      Devices: { keys: deviceIds.map((DeviceID) => ({ DeviceID, Entry: LIVE })), consistent: true },
    });
    for (const item of Devices) found.set(item['DeviceID'] as string, liveOf(item));
    return found;
  }

  async latest(deviceId: string): Promise<ReadingRow | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('Devices'),
        Key: { DeviceID: deviceId, Entry: LIVE },
        ConsistentRead: true,
      }),
    );
    return Item && liveOf(Item).live.row;
  }

  /** The parts of a `TransactWriteItems` that replace what is known, and arm the deadline if it is a new one. */
  replace(deviceId: string, before: VersionedLive, after: Live): TransactItem[] {
    const { deadline } = after;
    const put: TransactItem = {
      Put: {
        TableName: this.db.table('Devices'),
        Item: { DeviceID: deviceId, Entry: LIVE, Live: JSON.stringify(after), Version: before.version + 1 },
        // The race: the stream's reader and whoever looks at deadlines, or two shards' readers. The loser reads again.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ...(before.version > 0 && { ExpressionAttributeValues: { ':version': before.version } }),
      },
    };
    if (deadline === undefined || deadline === before.live.deadline) return [put];
    return [put, { Put: { TableName: this.db.table('DeviceDeadlines'), Item: key({ deviceId, dueAt: deadline }) } }];
  }

  /** The part of a `TransactWriteItems` that takes a deadline away which was due. */
  strikeOff(deadline: Deadline): TransactItem {
    return { Delete: { TableName: this.db.table('DeviceDeadlines'), Key: key(deadline) } };
  }

  /**
   * Deadlines of one bucket that are due, oldest first. Eventually consistent: what it misses the next look sees, what
   * is settled already changes nothing.
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
      const [dueAt = '', deviceId = ''] = (item['DueAtID'] as string).split('#');
      return { deviceId, dueAt: Number(dueAt) };
    });
  }
}

/** Zero-padded so that string order is time order. */
const padded = (epochMs: number): string => String(epochMs).padStart(14, '0');
const bucketName = (bucket: number): string => String(bucket).padStart(2, '0');
const key = ({ deviceId, dueAt }: Deadline) => ({
  Bucket: bucketName(bucketOf(deviceId)),
  DueAtID: compositeKey(padded(dueAt), deviceId),
});

const liveOf = (item: Record<string, unknown>): VersionedLive => ({
  live: JSON.parse(item['Live'] as string) as Live,
  version: item['Version'] as number,
});
