import type { Day } from '../../domain/devices/days';
import { dayOf } from '../../domain/devices/days';
import type { ReadingRow } from '../../domain/devices/reading';
import { compositeKey, iso } from '../../domain/ids';
import { batchWrite } from '../batchWrite';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { queryFrom, queryOnce } from '../query';
import { transact } from '../transact';
import { deviceDay, rowItem, rowKey, rowOf } from './keys';

/** A stretch of one device's day. */
export interface RowRange {
  deviceId: string;
  day: Day;
  /** Epoch ms; default the whole day. */
  from?: number;
  /** Left out. */
  to?: number;
  /** Go on behind this sort key. */
  after?: string;
  limit?: number;
}

/** Puts of one transaction beside what guards them. */
export const CAREFUL_LIMIT = 90;

/** Readings as rows of DeviceData. */
export class ReadingStore {
  constructor(private readonly db: Db) {}

  /** Puts rows, any number, of which no two are the same. A row that is there already stays as it is. */
  async put(rows: readonly ReadingRow[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceData',
      rows.map((row) => ({ PutRequest: { Item: rowItem(row) } })),
    );
  }

  /** Puts rows back that the archive holds: marked, so that nothing counts them a second time. */
  async restore(rows: readonly ReadingRow[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceData',
      rows.map((row) => ({ PutRequest: { Item: { ...rowItem(row), Restored: true } } })),
    );
  }

  async delete(keys: readonly Pick<ReadingRow, 'deviceId' | 'timestamp' | 'id'>[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeviceData',
      keys.map((row) => ({ DeleteRequest: { Key: rowKey(row) } })),
    );
  }

  /**
   * Puts new rows, at most CAREFUL_LIMIT, together with what guards them, all or none.
   * @returns undefined when they are written, `guard` when one of the guards failed, else the rows that are there
   *   already.
   */
  async putNew(
    rows: readonly ReadingRow[],
    guards: readonly TransactItem[],
  ): Promise<undefined | 'guard' | 'busy' | ReadonlySet<ReadingRow>> {
    const puts = rows.map((row): TransactItem => ({
      // The race: the same late reading twice at once, or while its first copy is being archived. One row is made of
      // it.
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

  /** One page of a device's day, oldest first, strongly consistent; `more` when there may be further ones. */
  async page({ deviceId, day, from, to, after, limit }: RowRange): Promise<{ rows: StoredRow[]; more?: string }> {
    const low = after ?? (from === undefined ? ' ' : iso(from));
    // A sort key goes on with `#`, so this is just before the first row of the instant `to`.
    const high = to === undefined ? '~' : iso(to);
    if (low >= high) return { rows: [] };
    const { items, next } = await queryFrom(this.db, {
      table: 'DeviceData',
      where: 'DeviceDay = :day AND TimestampSeq BETWEEN :low AND :high',
      values: { ':day': deviceDay(deviceId, day), ':low': low, ':high': high },
      consistent: true,
      // BETWEEN has both ends in: one more, for the row that `after` names.
      ...(limit !== undefined && { limit: limit + 1 }),
    });
    const rows = items
      .filter(({ TimestampSeq }) => TimestampSeq !== after && !isSentinel(TimestampSeq as string))
      .map(storedRow);
    return { rows, ...(next && { more: next['TimestampSeq'] as string }) };
  }

  /** All of a device's day, page after page. */
  async *pages(range: RowRange): AsyncGenerator<StoredRow[]> {
    for (let at: RowRange | undefined = range; at;) {
      const { rows, more }: Awaited<ReturnType<ReadingStore['page']>> = await this.page(at);
      yield rows;
      at = more === undefined ? undefined : { ...range, after: more };
    }
  }

  /** The newest row of a device's day, if it has any. */
  async newest(deviceId: string, day: Day): Promise<ReadingRow | undefined> {
    const [row] = await queryOnce(this.db, {
      table: 'DeviceData',
      where: 'DeviceDay = :day AND TimestampSeq < :sentinels',
      values: { ':day': deviceDay(deviceId, day), ':sentinels': SENTINEL },
      consistent: true,
      descending: true,
      limit: 1,
    });
    return row && rowOf(row);
  }
}

/** A row of the table; `restored` when the archive holds it, too. */
export interface StoredRow extends ReadingRow {
  restored?: true;
}

/** Sorts behind every instant. Marks in the stream of a partition how far its records must be read; see erasure. */
export const SENTINEL = '~';
export const isSentinel = (timestampSeq: string): boolean => timestampSeq.startsWith(SENTINEL);
export const sentinelKey = (deviceId: string, day: Day, id: string) => ({
  DeviceDay: deviceDay(deviceId, day),
  TimestampSeq: compositeKey(SENTINEL, id),
});

const storedRow = (item: Record<string, unknown>): StoredRow => ({
  ...rowOf(item),
  ...(item['Restored'] === true && { restored: true as const }),
});

/** Rows by the day that they belong to. */
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
