import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../domain/defined';
import { addDays, type Day, dayEnd, dayOf, dayStart, daysBetween } from '../../domain/devices/days';
import { limits, type ReadingRow } from '../../domain/devices/reading';
import { firstKept, type Retention } from '../../domain/devices/retention';
import {
  addReadings,
  bucketStart,
  type CheckedRollups,
  emptyRollup,
  type Resolution,
  resolutions,
  type Rollup,
  sameRollup,
} from '../../domain/devices/rollup';
import { LongwatchError } from '../../domain/errors';
import type { ArchiveStore } from '../../stores/devices/archives';
import type { DayStore } from '../../stores/devices/days';
import { type RollupKey, rollupId, type RollupStore, type VersionedRollup } from '../../stores/devices/rollups';
import type { SentinelStore } from '../../stores/devices/sentinels';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import type { Work } from './archiver';
import type { DeviceReads } from './reads';

export interface RollupCheckParts {
  days: DayStore;
  rollups: RollupStore;
  sentinels: SentinelStore;
  archives: ArchiveStore;
  reads: Pick<DeviceReads, 'readings'>;
  onReplaced?(count: number): void;
  onSkipped?: OnSkipped;
  now?(): number;
}

interface Rolled {
  key: RollupKey;
  rollup: Rollup;
}

/** A rollup that is not what its readings give, and what it ought to be: nothing, where no reading is. */
interface WrongRollup {
  key: RollupKey;
  before: VersionedRollup;
  after: Rollup | undefined;
}

/** One check of a bucket, under way. */
interface Checking {
  day: Day;
  work: Work;
  total: CheckedRollups;
}

/** Devices that are looked at together: their marks are awaited at once. */
const TOGETHER = 16;
/** Of those, so many are compared or replaced at once. */
const LANES = 4;
const PAGE = 5_000;
const LOOK_EVERY_MS = 200;

/**
 * Compares rollups with the readings themselves, in table and archive, and puts right what a gap in the stream left
 * out. The stream goes on adding meanwhile. A rollup is replaced only if its version is the same before the readings
 * are read and after the stream's reader has passed a mark that was written behind them: then every one of these
 * readings was added before, or never will be.
 */
export class RollupCheck {
  private readonly now: () => number;

  constructor(
    private readonly parts: RollupCheckParts,
    private readonly settings: { kept: Retention['rollups']; lateWindowMs: number },
  ) {
    this.now = parts.now ?? Date.now;
  }

  /** The days that readings of the last day may belong to, oldest first. */
  recentDays(): Day[] {
    const now = this.now();
    return [...daysBetween(dayStart(addDays(dayOf(now - this.settings.lateWindowMs), -1)), now + limits.aheadMs)];
  }

  /** @throws LongwatchError `conflict` for a day whose readings or rollups are not there to compare. */
  async assertComparable(day: Day): Promise<void> {
    if (this.keptOf(day).length === 0) throw new LongwatchError('conflict', `Rollups of ${day} are not kept any more`);
    if ((await this.parts.archives.find(day))?.state === 'expired')
      throw new LongwatchError('conflict', `Readings of ${day} are not kept any more`);
  }

  /**
   * Checks the devices of one bucket of a day. Nobody may move the day's rows between table and archive meanwhile. A
   * device of
   * which a step is refused for good is skipped and reported; its rollups stay as they are, and all others are checked.
   */
  async check(day: Day, bucket: number, work: Work): Promise<CheckedRollups> {
    await this.assertComparable(day);
    const devices = await this.parts.days.devices(day, bucket);
    const total: CheckedRollups = { devices: 0, replaced: 0, unsettled: 0 };
    for (let i = 0; i < devices.length; i += TOGETHER) {
      const some = devices.slice(i, i + TOGETHER);
      const skipped = await this.checkTogether(some, { day, work, total });
      if (skipped > 0) total.skipped = (total.skipped ?? 0) + skipped;
      work.alive((total.devices += some.length - skipped));
    }
    this.parts.onReplaced?.(total.replaced);
    return total;
  }

  /** @returns how many of the devices were skipped. */
  private async checkTogether(deviceIds: readonly string[], checking: Checking): Promise<number> {
    const { day, work, total } = checking;
    const wrong = new Map<string, WrongRollup[]>();
    const incomparable = await this.each(day, deviceIds, async (deviceId) => {
      work.signal.throwIfAborted();
      const found = await this.wrongOnes(deviceId, day);
      if (found.length > 0) wrong.set(deviceId, found);
      work.alive(total.devices);
    });
    const passed = await this.awaitReader([...wrong.keys()], checking);
    const irreplaceable = await this.each(day, passed, async (deviceId) => {
      for (const { key, before, after } of wrong.get(deviceId) ?? []) {
        // Not `total.replaced += await …`: another lane may add to it meanwhile.
        const isReplaced = await this.parts.rollups.swap(key, before, after);
        total[isReplaced ? 'replaced' : 'unsettled']++;
      }
    });
    return incomparable.size + (wrong.size - passed.length) + irreplaceable.size;
  }

  /** A step for each of some devices. @returns those for which it was refused for good. */
  private each(
    day: Day,
    deviceIds: readonly string[],
    step: (deviceId: string) => Promise<unknown>,
  ): Promise<Set<string>> {
    return skipEachRefused(deviceIds, LANES, step, (deviceId, error) =>
      this.parts.onSkipped?.(`the rollups of device ${deviceId} on ${day}`, error),
    );
  }

  private keptOf(day: Day): Resolution[] {
    const today = dayOf(this.now());
    return resolutions.filter((resolution) => day >= firstKept(today, this.settings.kept[resolution]));
  }

  private async wrongOnes(deviceId: string, day: Day): Promise<WrongRollup[]> {
    const which = this.keptOf(day);
    const stored = await this.parts.rollups.ofDay(deviceId, day, which);
    const right = new Map<string, Rolled>();
    for await (const rows of this.rows(deviceId, day)) fold(right, rows, which);
    const wrong: WrongRollup[] = [];
    for (const [id, { key, rollup }] of right) {
      const before = stored.get(id) ?? { rollup: emptyRollup, version: 0 };
      if (before.version === 0 || !sameRollup(before.rollup, rollup)) wrong.push({ key, before, after: rollup });
    }
    for (const [id, { key, ...before }] of stored) if (!right.has(id)) wrong.push({ key, before, after: undefined });
    return wrong;
  }

  private async *rows(deviceId: string, day: Day): AsyncGenerator<ReadingRow[]> {
    const stretch = { deviceId, from: dayStart(day), to: dayEnd(day) };
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await this.parts.reads.readings(stretch, { limit: PAGE, ...defined({ cursor }) });
      yield page.items;
      cursor = page.cursor;
    }
  }

  /**
   * Waits until the stream's reader has read all that was written of these devices' day so far.
   * @returns the devices of which it has; a mark that is refused says nothing of the others.
   */
  private async awaitReader(deviceIds: readonly string[], { day, work, total }: Checking): Promise<string[]> {
    const { sentinels } = this.parts;
    // New for each attempt: one that was passed before says nothing of what was written since.
    const mark = randomUUID();
    let left = [...deviceIds];
    const step = async (ofOne: (deviceId: string) => Promise<unknown>) => {
      const refused = await this.each(day, left, ofOne);
      left = left.filter((deviceId) => !refused.has(deviceId));
    };
    await step((deviceId) => sentinels.put(deviceId, day, mark));
    await step(async (deviceId) => {
      while (!(await sentinels.isSeen(deviceId, day, mark))) {
        work.alive(total.devices);
        await sleep(LOOK_EVERY_MS, undefined, { signal: work.signal });
      }
    });
    await step((deviceId) => sentinels.remove(deviceId, [day], mark));
    return left;
  }
}

function fold(into: Map<string, Rolled>, rows: readonly ReadingRow[], which: readonly Resolution[]): void {
  const byRollup = new Map<string, { key: RollupKey; rows: ReadingRow[] }>();
  for (const row of rows)
    for (const resolution of which) {
      const key = { deviceId: row.deviceId, resolution, bucket: bucketStart(resolution, row.timestamp) };
      const id = rollupId(key);
      const entry = byRollup.get(id);
      if (entry) entry.rows.push(row);
      else byRollup.set(id, { key, rows: [row] });
    }
  for (const [id, { key, rows: its }] of byRollup)
    into.set(id, { key, rollup: addReadings(into.get(id)?.rollup ?? emptyRollup, its) });
}
