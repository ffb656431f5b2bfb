import { addDays, type Day, dayEnd, dayOf, dayStart } from '../../domain/devices/days';
import { compareRows, type ReadingRow } from '../../domain/devices/reading';
import { limits } from '../../domain/devices/limits';
import { bucketStart, type Resolution, type Rollup } from '../../domain/devices/rollup';
import { iso } from '../../domain/ids';
import { fromCursor, type List, type Page, toCursor } from '../../stores/cursor';
import { timestampSeq } from '../../stores/devices/keys';
import type { LiveStore } from '../../stores/devices/live';
import type { ReadingStore } from '../../stores/devices/readings';
import type { RollupStore } from '../../stores/devices/rollups';
import type { ArchivedReadings } from './archivedReadings';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link DeviceReads} needs. */
export interface ReadsParts {
  readings: ReadingStore;
  rollups: RollupStore;
  live: LiveStore;
  archived: ArchivedReadings;
  clock?: Clock;
}

/** A period of one device, in epoch ms. `to` is exclusive. */
export interface Stretch {
  deviceId: string;
  from: number;
  to: number;
  /**
   * The limits that the caller gave. A default limit depends on the clock and differs for each page, so a cursor does
   * not include it.
   */
  asked?: { from?: number | undefined; to?: number | undefined };
}

/**
 * Maximum number of days that one page reads, and that are read in parallel. So a page over an empty period is bounded
 * too.
 */
const MAX_DAYS = 64;
const DAYS_AT_ONCE = 8;
/** Maximum number of rollup partitions that one page reads. */
const MAX_SERIES = 64;

/** Reads readings and rollups from the table and the archive. */
export class DeviceReads {
  private readonly clock: Clock;

  constructor(private readonly parts: ReadsParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Returns a page of readings in order, from the table and the archive. A page before the last may be short or empty.
   */
  async readings(
    { deviceId, from, to, asked }: Stretch,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
  ): Promise<Page<ReadingRow>> {
    const list: List = { name: 'readings', of: { deviceId, ...(asked ?? { from, to }) } };
    const { Day: firstDay, After } =
      cursor === undefined ? { Day: dayOf(from), After: '' } : fromCursor(list, cursor, { Day: DAY, After: SEQ });
    const items: ReadingRow[] = [];
    let day = firstDay;
    for (let looked = 0; looked < MAX_DAYS && dayStart(day) < to;) {
      // Read one day first, which normally suffices, then several at once.
      const days = Array.from({ length: looked === 0 ? 1 : DAYS_AT_ONCE }, (_, i) => addDays(day, i)).filter(
        (one) => dayStart(one) < to,
      );
      const left = limit - items.length;
      const found = await Promise.all(
        days.map((one) => this.ofDay({ deviceId, from, to }, one, one === firstDay ? After : '', left)),
      );
      for (const [i, rows] of found.entries()) {
        items.push(...rows.slice(0, limit - items.length));
        const last = items.at(-1);
        if (items.length === limit && last)
          return { items, ...toCursor(list, { Day: days[i], After: timestampSeq(last) }) };
      }
      looked += days.length;
      day = addDays(day, days.length);
    }
    return { items, ...(dayStart(day) < to && toCursor(list, { Day: day, After: '' })) };
  }

  /** Returns the rows of one day after a sort key: at least the first `limit`, without duplicates. */
  private async ofDay({ deviceId, from, to }: Stretch, day: Day, after: string, limit: number): Promise<ReadingRow[]> {
    const range = {
      deviceId,
      from: Math.max(from, dayStart(day)),
      to: Math.min(to, dayEnd(day)),
      ...(after !== '' && { after }),
    };
    // Read the table first. A row is deleted from it only after the archive has it, so a row that is missing here is
    // found there.
    const inTable: ReadingRow[] = [];
    for await (const rows of this.parts.readings.pages({ ...range, day, limit })) {
      inTable.push(...rows);
      if (inTable.length >= limit) break;
    }
    const archived = await this.parts.archived.find(day, range, limit);
    if (archived.length === 0) return inTable;
    const all = new Map([...inTable, ...archived].map((row) => [timestampSeq(row), row]));
    return [...all.values()].sort(compareRows);
  }

  /** Returns a page of rollups in order of time. Rollups lag behind the readings by the stream's lag. */
  async rollups(
    { deviceId, from, to, asked }: Stretch,
    resolution: Resolution,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
  ): Promise<Page<{ bucket: number; rollup: Rollup }>> {
    const list: List = { name: 'rollups', of: { deviceId, resolution, ...(asked ?? { from, to }) } };
    const start =
      cursor === undefined
        ? bucketStart(resolution, from)
        : Date.parse(fromCursor(list, cursor, { From: INSTANT }).From);
    const { rollups, next } = await this.parts.rollups.list(
      { deviceId, resolution, from: start, to },
      { limit, series: MAX_SERIES },
    );
    return { items: rollups, ...(next !== undefined && toCursor(list, { From: iso(next) })) };
  }

  /** Returns the newest reading. Normally one read if the device has reported today, otherwise three or four. */
  async latest(deviceId: string): Promise<ReadingRow | undefined> {
    const now = this.clock.now();
    const today = dayOf(now);
    // Shortly before midnight, a device whose clock is ahead may have reported for tomorrow.
    const ahead = dayOf(now + limits.aheadMs);
    const days = ahead === today ? [today] : [ahead, today];
    for (const day of days) {
      const row = await this.parts.readings.newest(deviceId, day);
      if (row) return row;
    }
    const [yesterday, kept] = await Promise.all([
      this.parts.readings.newest(deviceId, addDays(today, -1)),
      this.parts.live.latest(deviceId),
    ]);
    if (!yesterday || !kept) return yesterday ?? kept;
    return compareRows(yesterday, kept) > 0 ? yesterday : kept;
  }
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const SEQ = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[A-Za-z0-9_-]{16})?$/;
