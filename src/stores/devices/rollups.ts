import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type Day, dayEnd, dayOf, dayStart } from '../../domain/devices/days';
import { emptyRollup, type Resolution, resolutionMs, resolutions, type Rollup } from '../../domain/devices/rollup';
import { compositeKey, iso } from '../../domain/ids';
import { batchGet } from '../batchGet';
import { batchWrite } from '../batchWrite';
import { conditionHolds } from '../conditionHolds';
import type { Db } from '../dynamodb';
import { instant, type Item, itemType, json, number, text } from '../items';
import { queryAll, queryFrom, readEach, type TableQuery } from '../query';
import type { TransactItem } from '../platform/outbox';
import { deviceTables } from './tables';

const rollupItems = itemType(deviceTables, 'DeviceRollups', {
  series: text('Series'),
  bucket: instant('Bucket'),
  rollup: json<Rollup>('Rollup'),
  version: number('Version'),
});
const listedItems = rollupItems.pick('bucket', 'rollup');
const bucketItems = rollupItems.pick('bucket');

/** The device, resolution and bucket of a rollup. */
export interface RollupKey {
  deviceId: string;
  resolution: Resolution;
  /** Epoch ms of the bucket's start. */
  bucket: number;
}

/** A rollup, with the version that a write has in its condition. */
export interface VersionedRollup {
  rollup: Rollup;
  /** 0 if there is no item yet. */
  version: number;
}

/** A device's rollups from `from` to before `to`, epoch ms. */
interface Stretch {
  deviceId: string;
  resolution: Resolution;
  from: number;
  to: number;
}

/** Maximum numbers of rollups and of queried partitions. */
interface Bounds {
  limit: number;
  series: number;
}

/**
 * Length of the date in the partition key: a partition contains a day, a month or a year, so that it does not grow
 * without bound.
 */
const seriesUntil: Readonly<Record<Resolution, number>> = { '1m': 10, '1h': 7, '1d': 4 };

const seriesOf = ({ deviceId, resolution, bucket }: RollupKey): string =>
  compositeKey(deviceId, resolution, iso(bucket).slice(0, seriesUntil[resolution]));
const keyOf = (key: RollupKey) => ({ Series: seriesOf(key), Bucket: iso(key.bucket) });

/** Returns the id of a rollup, a text. */
export const rollupId = (key: RollupKey): string => compositeKey(seriesOf(key), iso(key.bucket));

/**
 * The rollups of devices. Only the reader of DeviceData's stream adds readings to them. A check corrects rollups after
 * a gap in the stream.
 */
export class RollupStore {
  constructor(private readonly db: Db) {}

  /** Returns rollups by their ids. Strongly consistent. A rollup without an item is empty. */
  async read(keys: readonly RollupKey[]): Promise<Map<string, VersionedRollup>> {
    const found = new Map<string, VersionedRollup>(
      keys.map((key) => [rollupId(key), { rollup: emptyRollup, version: 0 }]),
    );
    const { DeviceRollups } = await batchGet(this.db, { DeviceRollups: { keys: keys.map(keyOf), consistent: true } });
    for (const item of DeviceRollups) {
      const { series, bucket, rollup, version } = rollupItems.read(item);
      found.set(compositeKey(series, iso(bucket)), { rollup, version });
    }
    return found;
  }

  /** Returns the item of a `TransactWriteItems` that replaces a rollup. */
  replace(key: RollupKey, before: VersionedRollup, after: Rollup): TransactItem {
    return {
      Put: {
        TableName: this.db.table('DeviceRollups'),
        Item: rollupItems.write({
          series: seriesOf(key),
          bucket: key.bucket,
          rollup: after,
          version: before.version + 1,
        }),
        // Race: while a shard splits, two stream readers update the same rollup. The one that loses reads the rollup
        // and applies its readings again.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ...(before.version > 0 && { ExpressionAttributeValues: { ':version': before.version } }),
      },
    };
  }

  /** Returns a device's rollups of one day by their ids. Strongly consistent. */
  async ofDay(
    deviceId: string,
    day: Day,
    which: readonly Resolution[],
  ): Promise<Map<string, VersionedRollup & { key: RollupKey }>> {
    const found = new Map<string, VersionedRollup & { key: RollupKey }>();
    const [from, to] = [dayStart(day), dayEnd(day)];
    for (const resolution of which)
      for await (const items of queryAll(this.db, seriesQuery({ deviceId, resolution, bucket: from }, to)))
        for (const item of items) {
          const { bucket, rollup, version } = rollupItems.read(item);
          const key = { deviceId, resolution, bucket };
          found.set(rollupId(key), { key, rollup, version });
        }
    return found;
  }

  /**
   * Replaces the rollup that was read, creates it, or removes it if `after` is undefined.
   * @returns false if it has changed since it was read.
   * @throws LongwatchError `contention`.
   */
  swap(key: RollupKey, before: VersionedRollup, after: Rollup | undefined): Promise<boolean> {
    if (after !== undefined) {
      const { Put } = this.replace(key, before, after);
      return conditionHolds(() => this.db.client.send(new PutCommand(Put as NonNullable<typeof Put>)));
    }
    return conditionHolds(() =>
      this.db.client.send(
        new DeleteCommand({
          TableName: this.db.table('DeviceRollups'),
          Key: keyOf(key),
          // Race: the stream reader adds a reading at the same moment.
          ConditionExpression: 'Version = :version',
          ExpressionAttributeValues: { ':version': before.version },
        }),
      ),
    );
  }

  /**
   * Returns up to `limit` rollups of a device from `from` to before `to`, oldest first. Queries at most `series`
   * partitions, so that a page without rollups is also bounded.
   * @returns `next`, the bucket (epoch ms) at which to continue, if there may be more.
   */
  list(stretch: Stretch, bounds: Bounds): Promise<{ rollups: { bucket: number; rollup: Rollup }[]; next?: number }> {
    return this.range(stretch, bounds, listedItems.read);
  }

  /** Returns the buckets (epoch ms) of a device's rollups, malformed ones included, otherwise as {@link list}. */
  async buckets(stretch: Stretch, bounds: Bounds): Promise<number[]> {
    const { rollups } = await this.range(stretch, bounds, bucketItems.read);
    return rollups.map(({ bucket }) => bucket);
  }

  private async range<T>(
    { deviceId, resolution, from, to }: Stretch,
    { limit, series }: Bounds,
    of: (item: Item) => T,
  ): Promise<{ rollups: T[]; next?: number }> {
    const rollups: T[] = [];
    let at = from;
    for (let looked = 0; at < to; looked++) {
      if (looked === series || rollups.length >= limit) return { rollups, next: at };
      const end = Math.min(to, seriesEnd(resolution, at));
      const { items, next } = await queryFrom(this.db, {
        ...seriesQuery({ deviceId, resolution, bucket: at }, end),
        limit: limit - rollups.length,
      });
      rollups.push(...readEach(this.db, items, of));
      at = next ? bucketItems.read(next).bucket + resolutionMs[resolution] : end;
    }
    return { rollups };
  }

  /** Deletes the rollups of a device's day. @returns their number. */
  async deleteDay(deviceId: string, day: Day, which: readonly Resolution[] = resolutions): Promise<number> {
    let deleted = 0;
    for (const resolution of which) {
      const buckets = await this.buckets(
        { deviceId, resolution, from: dayStart(day), to: dayEnd(day) },
        { limit: 2_000, series: 1 },
      );
      const keys = buckets.map((bucket) => keyOf({ deviceId, resolution, bucket }));
      await batchWrite(
        this.db,
        'DeviceRollups',
        keys.map((Key) => ({ DeleteRequest: { Key } })),
      );
      deleted += keys.length;
    }
    return deleted;
  }
}

/** Returns the query of one partition's buckets from `from` to before `to`. Strongly consistent. */
const seriesQuery = (from: RollupKey, to: number): TableQuery => ({
  table: 'DeviceRollups',
  where: 'Series = :series AND #bucket BETWEEN :from AND :to',
  names: { '#bucket': 'Bucket' },
  values: { ':series': seriesOf(from), ':from': iso(from.bucket), ':to': iso(to - 1) },
  consistent: true,
});

/** Returns the end of the partition that contains an instant, epoch ms. */
function seriesEnd(resolution: Resolution, at: number): number {
  const day = dayOf(at);
  if (resolution === '1m') return dayEnd(day);
  const [year = 0, month = 1] = day.split('-').map(Number);
  return resolution === '1h' ? Date.UTC(year, month, 1) : Date.UTC(year + 1, 0, 1);
}
