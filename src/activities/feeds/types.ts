import type { PostRef } from '../../domain/feeds/post';
import type { Slice } from '../../domain/feeds/ranges';
import type { RelationChange, Turn } from '../../workflows/feeds/declarations';

/** What one attempt at a slice did. */
export interface SliceReport {
  /** Followers that were gone through, those skipped among them. */
  rows: number;
  /** Followers that were skipped, because a step for them was refused for good; absent where there is none. */
  skipped?: number;
  /** Where the next attempt goes on; absent at the end of the range. */
  after?: string;
}

/** What became of a change of relations. */
export type Settled = 'filled' | 'cleaned' | 'read-at-read-time' | 'superseded';

/** What the feeds' workflows may ask for. Every one may run twice, and beside an attempt that was given up for dead. */
export interface FeedsActivities {
  /** Writes a post into the feeds of a slice of its author's followers; heartbeats. */
  deliver(post: PostRef, slice: Slice): Promise<SliceReport>;
  /** Removes a deleted post from the feeds of a slice of its author's followers; heartbeats. */
  retract(post: PostRef, slice: Slice): Promise<SliceReport>;
  /** Makes followers of a slice read the author's list (rising), or fills their feeds so that they need not (falling); heartbeats. */
  turnFollowers(turn: Turn, slice: Slice): Promise<SliceReport>;
  completeTurn(turn: Turn): Promise<void>;
  /** Fills a reader's feed with an author's latest posts, or removes them from it, as the relation is now. */
  settleRelation(change: RelationChange): Promise<Settled>;
}
