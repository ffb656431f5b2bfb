import { addDays, type Day } from './days';
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
