import type { Day } from '../../domain/devices/days';
import { dayOf } from '../../domain/devices/days';
import type { ReadingRow } from '../../domain/devices/reading';
import { compositeKey, iso } from '../../domain/ids';
import { batchWrite } from '../batchWrite';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { queryAll, queryFrom, queryOnce, readEach } from '../query';
import { transact } from '../transact';
import { deviceDay, restoredItem, rowItem, rowKey, rowOf, type StoredRow, storedRowOf } from './keys';

/** A time range within one day of a device. */
export interface RowRange {
  deviceId: string;
  day: Day;
  /** Epoch ms, inclusive. Default: the start of the day. */
  from?: number;
  /** Epoch ms, exclusive. Default: the end of the day. */
  to?: number;
  /** The sort key after which to continue. */
  after?: string;
  limit?: number;
}

/** Maximum number of puts in one transaction, which leaves room for the guards. */
export const CHECKED_WRITE_LIMIT = 90;

/** Readings, as rows of the table DeviceData. */
export class ReadingStore {
  constructor(private readonly db: Db) {}

  /**
   * Writes any number of different rows. An existing row does not change.
   * @throws LongwatchError `unavailable` when DynamoDB repeatedly leaves rows unwritten.
   */
  async put(rows: readonly ReadingRow[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceData',
      rows.map((row) => ({ PutRequest: { Item: rowItem(row) } })),
    );
  }

  /**
   * Writes archived rows back to the table, with the attribute `Restored`, so that stream readers do not count them
   * again.
   */
  async restore(rows: readonly ReadingRow[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceData',
      rows.map((row) => ({ PutRequest: { Item: restoredItem(row) } })),
    );
  }

  /** Deletes rows. */
  async delete(keys: readonly Pick<ReadingRow, 'deviceId' | 'timestamp' | 'id'>[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceData',
      keys.map((row) => ({ DeleteRequest: { Key: rowKey(row) } })),
    );
  }

  /**
   * Writes up to `CHECKED_WRITE_LIMIT` new rows and checks the guards, all or nothing.
   * @returns undefined if they were written, `guard` if a guard failed, `busy` if another transaction writes the same
   *   items, otherwise the rows that exist already.
   */
  async putNew(
    rows: readonly ReadingRow[],
    guards: readonly TransactItem[],
  ): Promise<undefined | 'guard' | 'busy' | ReadonlySet<ReadingRow>> {
    const puts = rows.map((row): TransactItem => ({
      // Race: the same late reading arrives twice at the same time, or while its first copy is archived. Only one row
      // is written.
      Put: {
        TableName: this.db.table('DeviceData'),
        Item: rowItem(row),
        ConditionExpression: 'attribute_not_exists(DeviceDay)',
      },
    }));
    const cancelled = await transact(this.db, { guards, rows: puts });
    if (!cancelled) return undefined;
    if (cancelled.lost.has('guards')) return 'guard';
    const there = cancelled.lost.get('rows');
    return there ? new Set(there.flatMap(({ index }) => rows[index] ?? [])) : 'busy';
  }

  /**
   * Returns one page of a device's day, oldest first. Strongly consistent.
   * @returns `more`, the sort key after which to continue, if there may be more rows.
   */
  async page({ deviceId, day, from, to, after, limit }: RowRange): Promise<{ rows: StoredRow[]; more?: string }> {
    const low = after ?? (from === undefined ? ' ' : iso(from));
    // A sort key continues with `#` after the instant, so this sorts just before the first row at `to`.
    const high = to === undefined ? '~' : iso(to);
    if (low >= high) return { rows: [] };
    const { items, next } = await queryFrom(this.db, {
      table: 'DeviceData',
      where: 'DeviceDay = :day AND TimestampSeq BETWEEN :low AND :high',
      values: { ':day': deviceDay(deviceId, day), ':low': low, ':high': high },
      consistent: true,
      // BETWEEN includes both ends: read one more row, because the row at `after` is dropped.
      ...(limit !== undefined && { limit: limit + 1 }),
    });
    const wanted = items.filter(({ TimestampSeq }) => TimestampSeq !== after && !isSentinel(String(TimestampSeq)));
    return { rows: readEach(this.db, wanted, storedRowOf), ...(next && { more: String(next['TimestampSeq']) }) };
  }

  /** Returns all rows of a range, page by page. */
  async *pages(range: RowRange): AsyncGenerator<StoredRow[]> {
    for (let at: RowRange | undefined = range; at;) {
      const { rows, more }: Awaited<ReturnType<ReadingStore['page']>> = await this.page(at);
      yield rows;
      at = more === undefined ? undefined : { ...range, after: more };
    }
  }

  /**
   * Deletes all rows of a device's day page by page, malformed ones, too, and yields the number of rows of each page.
   * Sentinels stay.
   */
  async *deleteDay(deviceId: string, day: Day): AsyncGenerator<number> {
    for await (const keys of queryAll(this.db, rowsOfDay(deviceId, day))) {
      await batchWrite(
        this.db,
        'DeviceData',
        keys.map((Key) => ({ DeleteRequest: { Key } })),
      );
      yield keys.length;
    }
  }

  /** Returns whether a device's day has rows, malformed ones included. Strongly consistent. */
  async hasRows(deviceId: string, day: Day): Promise<boolean> {
    return (await queryOnce(this.db, { ...rowsOfDay(deviceId, day), limit: 1 })).length > 0;
  }

  /** Returns the newest row of a device's day; undefined if there is none. Strongly consistent. */
  async newest(deviceId: string, day: Day): Promise<ReadingRow | undefined> {
    const { projection: _, ...rows } = rowsOfDay(deviceId, day);
    const [item] = await queryOnce(this.db, { ...rows, descending: true, limit: 1 });
    return item && rowOf(item);
  }
}

/**
 * Prefix of a sentinel's sort key, which sorts after every instant. The stream reader that passes a sentinel has read
 * all earlier records of its partition; the erasure uses this.
 */
export const SENTINEL = '~';
/** Returns whether a sort key is that of a sentinel. */
export const isSentinel = (timestampSeq: string): boolean => timestampSeq.startsWith(SENTINEL);
/** Returns the key of a sentinel. */
export const sentinelKey = (deviceId: string, day: Day, id: string) => ({
  DeviceDay: deviceDay(deviceId, day),
  TimestampSeq: compositeKey(SENTINEL, id),
});

/** Returns the query of the keys of a device's day, without sentinels. Strongly consistent. */
const rowsOfDay = (deviceId: string, day: Day) => ({
  table: 'DeviceData',
  where: 'DeviceDay = :day AND TimestampSeq < :sentinels',
  values: { ':day': deviceDay(deviceId, day), ':sentinels': SENTINEL },
  projection: 'DeviceDay, TimestampSeq',
  consistent: true,
});

/** Groups rows by device and day. */
export function byDeviceDay(rows: readonly ReadingRow[]): { deviceId: string; day: Day; rows: ReadingRow[] }[] {
  const groups = new Map<string, { deviceId: string; day: Day; rows: ReadingRow[] }>();
  for (const row of rows) {
    const day = dayOf(row.timestamp);
    const key = deviceDay(row.deviceId, day);
    const group = groups.get(key) ?? { deviceId: row.deviceId, day, rows: [] };
    groups.set(key, group);
    group.rows.push(row);
  }
  return [...groups.values()];
}
