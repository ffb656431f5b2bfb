import { addDays, type Day } from './days';
import type { Resolution } from './rollup';

/** How many days what is kept. */
export interface Retention {
  rollups: Readonly<Record<Resolution, number>>;
  archive: number;
  /** That restored rows stay in the table. */
  restored: number;
}

/** The first day that is kept, if so many are. */
export const firstKept = (today: Day, days: number): Day => addDays(today, -days);
