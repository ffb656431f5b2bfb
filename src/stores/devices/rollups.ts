import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type Day, dayEnd, dayOf, dayStart } from '../../domain/devices/days';
import { emptyRollup, type Resolution, resolutionMs, resolutions, type Rollup } from '../../domain/devices/rollup';
import { compositeKey, iso } from '../../domain/ids';
import { batchGet } from '../batchGet';
import { batchWrite } from '../batchWrite';
import { held } from '../conflicts';
import type { Db } from '../dynamodb';
import { queryAll, queryFrom, type TableQuery } from '../query';
import type { TransactItem } from '../platform/outbox';

/** Where a rollup is. */
export interface RollupKey {
  deviceId: string;
  resolution: Resolution;
  /** Epoch ms of its first instant. */
  bucket: number;
}

export interface VersionedRollup {
  rollup: Rollup;
  /** 0: there is no item yet. */
  version: number;
}

/** A partition ends with the day, the month or the year, so that none grows for ever. */
const seriesUntil: Readonly<Record<Resolution, number>> = { '1m': 10, '1h': 7, '1d': 4 };

const seriesOf = ({ deviceId, resolution, bucket }: RollupKey): string =>
  compositeKey(deviceId, resolution, iso(bucket).slice(0, seriesUntil[resolution]));
const keyOf = (key: RollupKey) => ({ Series: seriesOf(key), Bucket: iso(key.bucket) });

/** What a rollup is told from others by, as a text. */
export const rollupId = (key: RollupKey): string => compositeKey(seriesOf(key), iso(key.bucket));

/** Rollups of devices. Only the stream of DeviceData adds to them; a check puts right what a gap in it left out. */
export class RollupStore {
  constructor(private readonly db: Db) {}

  /** By their ids, strongly consistent; those without an item come back empty. */
  async read(keys: readonly RollupKey[]): Promise<Map<string, VersionedRollup>> {
    const found = new Map<string, VersionedRollup>(
      keys.map((key) => [rollupId(key), { rollup: emptyRollup, version: 0 }]),
    );
    const { DeviceRollups } = await batchGet(this.db, { DeviceRollups: { keys: keys.map(keyOf), consistent: true } });
    for (const item of DeviceRollups)
      found.set(compositeKey(item['Series'] as string, item['Bucket'] as string), {
        rollup: rollupOf(item),
        version: item['Version'] as number,
      });
    return found;
  }

  /** The part of a `TransactWriteItems` that replaces a rollup. */
  replace(key: RollupKey, before: VersionedRollup, after: Rollup): TransactItem {
    return {
      Put: {
        TableName: this.db.table('DeviceRollups'),
        Item: { ...keyOf(key), Rollup: JSON.stringify(after), Version: before.version + 1 },
        // The race: while a table's shards split, two readers fold the same day. The loser reads again and folds again.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ...(before.version > 0 && { ExpressionAttributeValues: { ':version': before.version } }),
      },
    };
  }

  /** A device's rollups of one day, by their ids, strongly consistent. */
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
          const key = { deviceId, resolution, bucket: Date.parse(item['Bucket'] as string) };
          found.set(rollupId(key), { key, rollup: rollupOf(item), version: item['Version'] as number });
        }
    return found;
  }

  /**
   * Puts a rollup in the place of the one that was read, or of none; `undefined` removes it. @returns false when it has
   * changed since.
   */
  swap(key: RollupKey, before: VersionedRollup, after: Rollup | undefined): Promise<boolean> {
    if (after !== undefined) {
      const { Put } = this.replace(key, before, after);
      return held(() => this.db.client.send(new PutCommand(Put as NonNullable<typeof Put>)));
    }
    return held(() =>
      this.db.client.send(
        new DeleteCommand({
          TableName: this.db.table('DeviceRollups'),
          Key: keyOf(key),
          // The race: the stream's reader adds a reading at the same moment.
          ConditionExpression: 'Version = :version',
          ExpressionAttributeValues: { ':version': before.version },
        }),
      ),
    );
  }

  /**
   * A device's rollups over a stretch of time, oldest first, at most so many; `next` is the bucket (epoch ms) to go on
   * with. Looks at no more than `series` partitions, so that a page has a bound where there is nothing, too.
   */
  async list(
    { deviceId, resolution, from, to }: { deviceId: string; resolution: Resolution; from: number; to: number },
    { limit, series }: { limit: number; series: number },
  ): Promise<{ rollups: { bucket: number; rollup: Rollup }[]; next?: number }> {
    const rollups: { bucket: number; rollup: Rollup }[] = [];
    let at = from;
    for (let looked = 0; at < to; looked++) {
      if (looked === series || rollups.length >= limit) return { rollups, next: at };
      const end = Math.min(to, seriesEnd(resolution, at));
      const { items, next } = await queryFrom(this.db, {
        ...seriesQuery({ deviceId, resolution, bucket: at }, end),
        limit: limit - rollups.length,
      });
      for (const item of items) rollups.push({ bucket: Date.parse(item['Bucket'] as string), rollup: rollupOf(item) });
      at = next ? Date.parse(next['Bucket'] as string) + resolutionMs[resolution] : end;
    }
    return { rollups };
  }

  /** Deletes the rollups of one day. @returns how many there were. */
  async deleteDay(deviceId: string, day: Day, which: readonly Resolution[] = resolutions): Promise<number> {
    let deleted = 0;
    for (const resolution of which) {
      const { rollups } = await this.list(
        { deviceId, resolution, from: dayStart(day), to: dayEnd(day) },
        { limit: 2_000, series: 1 },
      );
      const keys = rollups.map(({ bucket }) => keyOf({ deviceId, resolution, bucket }));
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

/** The query for the buckets of one series from one of them on, up to an instant, which is left out. */
const seriesQuery = (from: RollupKey, to: number): TableQuery => ({
  table: 'DeviceRollups',
  where: 'Series = :series AND #bucket BETWEEN :from AND :to',
  names: { '#bucket': 'Bucket' },
  values: { ':series': seriesOf(from), ':from': iso(from.bucket), ':to': iso(to - 1) },
  consistent: true,
});

function seriesEnd(resolution: Resolution, at: number): number {
  const day = dayOf(at);
  if (resolution === '1m') return dayEnd(day);
  const [year = 0, month = 1] = day.split('-').map(Number);
  return resolution === '1h' ? Date.UTC(year, month, 1) : Date.UTC(year + 1, 0, 1);
}

const rollupOf = (item: Record<string, unknown>): Rollup => JSON.parse(item['Rollup'] as string) as Rollup;
