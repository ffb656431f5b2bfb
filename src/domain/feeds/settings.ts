import type { PlanSettings } from './ranges';

/** The settings of feeds. */
export interface FeedSettings extends PlanSettings {
  /** Authors with more followers than this use fan-out on read. */
  threshold: number;
  /** Maximum number of posts in a feed; older posts are not shown. */
  cap: number;
  /** Number of an author's latest posts that are written into the feed of a new follower (backfill). */
  backfill: number;
  /**
   * One of this many writes to a feed checks its length against the cap. A feed can exceed the cap by about this many.
   */
  trimEvery: number;
}
