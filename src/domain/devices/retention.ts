import type { ArchivedDay } from './archive';
import { addDays, type Day, DAY_MS, dayEnd } from './days';
import type { Resolution } from './rollup';

/** The retention of rollups, archives and restored rows, in days. */
export interface Retention {
  rollups: Readonly<Record<Resolution, number>>;
  archive: number;
  /** Days for which restored rows stay in the table. */
  restored: number;
}

/** Returns the first day that is kept, with a retention in days. */
export const firstKept = (today: Day, days: number): Day => addDays(today, -days);

/**
 * Returns the epoch ms from which a day may be archived: the day is over, and its readings had `archiveAfterMs` more to
 * arrive.
 */
export const archivableFrom = (day: Day, archiveAfterMs: number): number => dayEnd(day) + archiveAfterMs;

/**
 * Returns whether a day must be archived that is over for long enough. A restored day leaves the table again after
 * `restored` days; a begun deletion is completed.
 * @param record the archived day; undefined if the day was never archived
 * @param now epoch ms
 * @returns `ifAny`: only if the table has such readings of the day
 */
export function archivingOf(
  record: Pick<ArchivedDay, 'state' | 'since'> | undefined,
  now: number,
  { restored }: Pick<Retention, 'restored'>,
): boolean | { ifAny: 'present' | 'late' } {
  switch (record?.state) {
    case undefined:
      return { ifAny: 'present' };
    case 'deleting':
      return true;
    case 'archived':
      return { ifAny: 'late' };
    case 'restored':
      return record !== undefined && record.since < now - restored * DAY_MS;
    case 'restoring':
    case 'expired':
      return false;
  }
}
