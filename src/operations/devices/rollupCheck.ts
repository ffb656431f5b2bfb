import { randomUUID } from 'node:crypto';
import { defined } from '../../domain/defined';
import { addDays, type Day, dayEnd, dayOf, dayStart, daysBetween } from '../../domain/devices/days';
import type { ReadingRow } from '../../domain/devices/reading';
import { limits } from '../../domain/devices/limits';
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
import type { StepContext } from './archiver';
import type { DeviceReads } from './reads';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link RollupCheck} needs. */
export interface RollupCheckParts {
  days: DayStore;
  rollups: RollupStore;
  sentinels: SentinelStore;
  archives: ArchiveStore;
  reads: Pick<DeviceReads, 'readings'>;
  onReplaced?(count: number): void;
  onSkipped?: OnSkipped;
  clock?: Clock;
}

interface Rolled {
  key: RollupKey;
  rollup: Rollup;
}

/** A wrong rollup and its correct value; undefined if it has no readings. */
interface WrongRollup {
  key: RollupKey;
  before: VersionedRollup;
  after: Rollup | undefined;
}

/** The state of one check of a bucket. */
interface Checking {
  day: Day;
  work: StepContext;
  total: CheckedRollups;
}

/** Number of devices that are checked together; the check waits for their sentinels at once. */
const TOGETHER = 16;
/** Number of these devices that are compared or replaced in parallel. */
const LANES = 4;
const PAGE = 5_000;
/** Pause between two polls for a sentinel. */
const LOOK_EVERY_MS = 200;

/**
 * Compares rollups with the readings in the table and the archive, and corrects the rollups that are wrong after a gap
 * in the stream. The stream continues to add readings meanwhile. A rollup is replaced only if its version did not
 * change between two instants: before its readings were read, and after the stream reader passed a sentinel that was
 * written after them. By then each of these readings was either added, or never will be.
 */
export class RollupCheck {
  private readonly clock: Clock;

  constructor(
    private readonly parts: RollupCheckParts,
    private readonly settings: { kept: Retention['rollups']; lateWindowMs: number },
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /** Returns the days to which readings of the last day may belong, oldest first. */
  recentDays(): Day[] {
    const now = this.clock.now();
    return [...daysBetween(dayStart(addDays(dayOf(now - this.settings.lateWindowMs), -1)), now + limits.aheadMs)];
  }

  /**
   * Checks that the readings and rollups of a day still exist.
   * @throws LongwatchError `conflict` if they do not
   */
  async assertComparable(day: Day): Promise<void> {
    if (this.keptOf(day).length === 0)
      throw new LongwatchError('conflict', `Rollups of ${day} are past their retention`);
    if ((await this.parts.archives.find(day))?.state === 'expired')
      throw new LongwatchError('conflict', `Readings of ${day} were deleted by retention`);
  }

  /**
   * Checks the devices of one bucket of a day. No job may move the day's rows between table and archive meanwhile.
   * Skips and reports a device whose step is refused permanently; its rollups stay unchanged.
   * @throws LongwatchError `conflict` if the day's readings or rollups no longer exist
   */
  async check(day: Day, bucket: number, work: StepContext): Promise<CheckedRollups> {
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

  /**
   * Checks some devices of a day.
   * @returns the number of skipped devices
   */
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
        // Not `total.replaced += await …`: another lane may change the total during the await.
        const isReplaced = await this.parts.rollups.swap(key, before, after);
        total[isReplaced ? 'replaced' : 'unsettled']++;
      }
    });
    return incomparable.size + (wrong.size - passed.length) + irreplaceable.size;
  }

  /**
   * Does a step for each device.
   * @returns the devices whose step was refused permanently
   */
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
    const today = dayOf(this.clock.now());
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
   * Waits until the stream reader has read everything that was written for this day of the devices.
   * @returns the devices for which it has; those whose sentinel was refused are left out
   */
  private async awaitReader(deviceIds: readonly string[], { day, work, total }: Checking): Promise<string[]> {
    const { sentinels } = this.parts;
    // Use a new id for each attempt: an old sentinel proves nothing about later writes.
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
        await this.clock.sleep(LOOK_EVERY_MS, work.signal);
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
