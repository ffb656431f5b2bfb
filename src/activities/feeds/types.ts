import type { PostRef } from '../../domain/feeds/post';
import type { Slice } from '../../domain/feeds/ranges';
import type { RelationChange, Settled, SliceReport, Turn } from '../../domain/feeds/workflows';

/** What the feeds' workflows may ask for. Every one may run twice, and beside an attempt that was given up for dead. */
export interface FeedsActivities {
  /** Writes a post into the feeds of a slice of its author's followers; heartbeats. */
  deliver(post: PostRef, slice: Slice): Promise<SliceReport>;
  /** Removes a deleted post from the feeds of a slice of its author's followers; heartbeats. */
  retract(post: PostRef, slice: Slice): Promise<SliceReport>;
  /**
   * Makes followers of a slice read the author's list (rising), or fills their feeds so that they need not (falling);
   * heartbeats.
   */
  turnFollowers(turn: Turn, slice: Slice): Promise<SliceReport>;
  completeTurn(turn: Turn): Promise<void>;
  /** Fills a reader's feed with an author's latest posts, or removes them from it, as the relation is now. */
  settleRelation(change: RelationChange): Promise<Settled>;
}
