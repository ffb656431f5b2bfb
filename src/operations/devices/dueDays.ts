import type { ArchivedDay } from '../../domain/devices/archive';
import { addDays, type Day, dayOf } from '../../domain/devices/days';
import { archivableFrom, archivingOf, firstKept, type Retention } from '../../domain/devices/retention';
import type { ArchiveStore } from '../../stores/devices/archives';
import type { DayStore } from '../../stores/devices/days';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link DueDays} needs. */
export interface DueDaysParts {
  days: DayStore;
  archives: ArchiveStore;
  /** Called for a day for which the need to archive could not be read. */
  onDayLeft?: OnSkipped;
  clock?: Clock;
}

/** The settings of {@link DueDays}. */
export interface DueDaysSettings {
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

/** Number of days for which unarchived days are searched, after the time in which late readings are accepted. */
const LOOK_BACK_DAYS = 7;
/** Maximum number of due days in one scan. The next scan finds the rest. */
const MAX_DUE = 200;

/** Finds the days that are due for archiving, and the archived days whose files are due for deletion. */
export class DueDays {
  private readonly clock: Clock;

  constructor(
    private readonly parts: DueDaysParts,
    private readonly settings: DueDaysSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Returns the days to archive (finished and not archived, or with late readings since) and the archived days to
   * delete, oldest first.
   */
  async find(): Promise<DueDay[]> {
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
    for (let day = from; archivableFrom(day, archiveAfterMs) <= now; day = addDays(day, 1)) over.push(day);
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
}
