import type { ArchivedDay } from '../../domain/devices/archive';
import { addDays, type Day, DAY_MS, dayOf, dayStart } from '../../domain/devices/days';
import { archivingOf, firstKept, type Retention } from '../../domain/devices/retention';
import { type DeletedRollups, type Resolution, resolutions } from '../../domain/devices/rollup';
import type { ArchiveStore } from '../../stores/devices/archives';
import type { DayStore } from '../../stores/devices/days';
import { DEVICE_BUCKETS } from '../../stores/devices/keys';
import type { RetentionStore } from '../../stores/devices/retention';
import type { RollupStore } from '../../stores/devices/rollups';
import { type OnSkipped, skipEachRefused, skipRefused } from '../platform/isolate';
import type { StepContext } from './archiver';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Housekeeping} needs. */
export interface HousekeepingParts {
  days: DayStore;
  archives: ArchiveStore;
  rollups: RollupStore;
  retention: RetentionStore;
  /** Called for a device whose expired rollups could not be deleted. */
  onSkipped?: OnSkipped;
  /** Called for a day for which the need to archive could not be read. */
  onDayLeft?: OnSkipped;
  clock?: Clock;
}

/** The settings of {@link Housekeeping}. */
export interface HousekeepingSettings {
  retention: Retention;
  archiveAfterMs: number;
  lateWindowMs: number;
  /** Whether an archive is configured. */
  archives: boolean;
}

/** A day and its due job. */
export interface DueDay {
  day: Day;
  what: 'archive' | 'expire';
}

/** The retention settings, and the days up to which they were applied. */
export interface RetentionState {
  kept: Retention;
  /** The last day whose rollups are deleted, by resolution. */
  deletedUntil: Partial<Record<Resolution, Day>>;
}

/** Number of days for which unarchived days are searched, after the time in which late readings are accepted. */
const LOOK_BACK_DAYS = 7;
/** The first run deletes rollups from this many days before the oldest kept day. */
const FIRST_LOOK_DAYS = 16;
/** Maximum number of due days in one scan. The next scan finds the rest. */
const MAX_DUE = 200;

/** Finds and does the jobs that are due by time: archiving days, and deleting files and rollups. */
export class Housekeeping {
  private readonly clock: Clock;

  constructor(
    private readonly parts: HousekeepingParts,
    private readonly settings: HousekeepingSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Returns the days to archive (finished and not archived, or with late readings since) and the archived days to
   * delete, oldest first.
   */
  async dueDays(): Promise<DueDay[]> {
    if (!this.settings.archives) return [];
    const { retention, archiveAfterMs, lateWindowMs } = this.settings;
    const { archives, days, onDayLeft } = this.parts;
    const now = this.clock.now();
    const today = dayOf(now);
    const due: DueDay[] = [];
    const oldest = firstKept(today, retention.archive);
    for await (const { day, state } of archives.between('0000', addDays(oldest, -1)))
      if (state !== 'expired') due.push({ day, what: 'expire' });
    const from = addDays(dayOf(now - lateWindowMs), -LOOK_BACK_DAYS - retention.restored);
    const records = new Map<Day, ArchivedDay>();
    for await (const record of archives.between(from, today)) records.set(record.day, record);
    const over: Day[] = [];
    for (let day = from; dayStart(day) + DAY_MS + archiveAfterMs <= now; day = addDays(day, 1)) over.push(day);
    await skipEachRefused(
      over,
      1,
      async (day) => {
        const archiving = archivingOf(records.get(day), now, retention);
        const isDue = typeof archiving === 'boolean' ? archiving : await days.hasAny(day, archiving.ifAny);
        if (isDue) due.push({ day, what: 'archive' });
      },
      (day, error) => onDayLeft?.(`the check whether ${day} must be archived`, error),
    );
    return due.slice(0, MAX_DUE);
  }

  /**
   * Deletes expired rollups, day by day. Skips and reports a device whose step is refused permanently. Its rollups of
   * that day stay and the day counts as done; otherwise each run would repeat all days since then.
   * @returns the number of processed days and of skipped devices
   */
  async deleteRollups({ signal, alive }: StepContext): Promise<DeletedRollups> {
    const { retention } = this.parts;
    const done: DeletedRollups = { days: 0, skipped: 0 };
    for (const resolution of resolutions) {
      const end = firstKept(dayOf(this.clock.now()), this.settings.retention.rollups[resolution]);
      const until = await retention.deletedUntil(resolution);
      for (
        let day = until === undefined ? addDays(end, -FIRST_LOOK_DAYS) : addDays(until, 1);
        day < end;
        day = addDays(day, 1)
      ) {
        const its = day;
        const skipped = await Promise.all(
          Array.from({ length: DEVICE_BUCKETS }, (_, bucket) =>
            this.deleteBucket(its, bucket, resolution, { signal, alive: () => alive(done.days) }),
          ),
        );
        done.skipped += skipped.reduce((sum, one) => sum + one, 0);
        await retention.done(resolution, day);
        alive(++done.days);
      }
    }
    return done;
  }

  /**
   * Deletes the rollups of a day's bucket of devices.
   * @returns the number of skipped devices
   */
  private async deleteBucket(
    day: Day,
    bucket: number,
    resolution: Resolution,
    { signal, alive }: { signal: AbortSignal; alive(): void },
  ): Promise<number> {
    const { days, rollups, onSkipped } = this.parts;
    const devices = await days.devices(day, bucket);
    const kept = await skipEachRefused(
      devices,
      1,
      async (deviceId) => {
        signal.throwIfAborted();
        await rollups.deleteDay(deviceId, day, [resolution]);
        alive();
      },
      (deviceId, error) => onSkipped?.(`the ${resolution} rollups of device ${deviceId} on ${day}`, error),
    );
    // Daily rollups are kept longest. When they are deleted, the day's entries of the devices are deleted too.
    if (resolution !== '1d') return kept.size;
    const gone = devices.filter((deviceId) => !kept.has(deviceId));
    const known = await skipRefused(
      gone,
      (some) => days.forget(day, some),
      (deviceId, error) => onSkipped?.(`the entry of device ${deviceId} on ${day}`, error),
    );
    return kept.size + known.size;
  }

  /** Returns the retention settings and the days up to which they were applied. */
  async state(): Promise<RetentionState> {
    const deletedUntil: RetentionState['deletedUntil'] = {};
    for (const resolution of resolutions) {
      const day = await this.parts.retention.deletedUntil(resolution);
      if (day !== undefined) deletedUntil[resolution] = day;
    }
    return { kept: this.settings.retention, deletedUntil };
  }
}
