import { addDays, type Day, dayOf } from '../../domain/devices/days';
import { firstKept, type Retention } from '../../domain/devices/retention';
import { type DeletedRollups, type Resolution, resolutions } from '../../domain/devices/rollup';
import type { DayStore } from '../../stores/devices/days';
import { DEVICE_BUCKETS } from '../../stores/devices/keys';
import type { RetentionStore } from '../../stores/devices/retention';
import type { RollupStore } from '../../stores/devices/rollups';
import { type OnSkipped, skipEachRefused, skipRefused } from '../platform/isolate';
import type { StepContext } from './archiver';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link ExpiredRollups} needs. */
export interface ExpiredRollupsParts {
  days: DayStore;
  rollups: RollupStore;
  retention: RetentionStore;
  /** Called for a device whose expired rollups could not be deleted. */
  onSkipped?: OnSkipped;
  clock?: Clock;
}

/** The retention settings, and the days up to which they were applied. */
export interface RetentionState {
  kept: Retention;
  /** The last day whose rollups are deleted, by resolution. */
  deletedUntil: Partial<Record<Resolution, Day>>;
}

/** The first run deletes rollups from this many days before the oldest kept day. */
const FIRST_LOOK_DAYS = 16;

/** Deletes the rollups whose retention has ended. */
export class ExpiredRollups {
  private readonly clock: Clock;

  constructor(
    private readonly parts: ExpiredRollupsParts,
    private readonly kept: Retention,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Deletes expired rollups, day by day. Skips and reports a device whose step is refused permanently. Its rollups of
   * that day stay and the day counts as done; otherwise each run would repeat all days since then.
   * @returns the number of processed days and of skipped devices
   */
  async delete({ signal, alive }: StepContext): Promise<DeletedRollups> {
    const { retention } = this.parts;
    const done: DeletedRollups = { days: 0, skipped: 0 };
    for (const resolution of resolutions) {
      const end = firstKept(dayOf(this.clock.now()), this.kept.rollups[resolution]);
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
    return { kept: this.kept, deletedUntil };
  }
}
