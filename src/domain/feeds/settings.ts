import type { PlanSettings } from './ranges';

export interface FeedSettings extends PlanSettings {
  /** Authors with more followers are not fanned out but read by their followers. */
  threshold: number;
  /** Posts that a feed shows at most, from the newest on. */
  cap: number;
  /** Posts of an author that are written into a feed at once when somebody follows. */
  backfill: number;
  /**
   * Of so many rows written one looks whether its feed has grown beyond the cap; a feed may be longer by about as many.
   */
  trimEvery: number;
}

/** Whom one user may follow: what a reading of all of them can still cope with. */
export const MAX_FOLLOWING = 5_000;
