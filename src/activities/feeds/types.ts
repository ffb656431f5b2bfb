import type { PostRef } from '../../domain/feeds/post';
import type { Slice } from '../../domain/feeds/ranges';
import type { RelationChange, RelationOutcome, SliceReport, ModeChange } from '../../domain/feeds/workflows';

/** The activities of the feeds' workflows. Each may be repeated, and run while a timed-out attempt is still running. */
export interface FeedsActivities {
  /** Writes a post into the feeds of a slice of its author's followers; heartbeats. */
  deliver(post: PostRef, slice: Slice): Promise<SliceReport>;
  /** Removes a deleted post from the feeds of a slice of its author's followers; heartbeats. */
  retract(post: PostRef, slice: Slice): Promise<SliceReport>;
  /**
   * Gives the followers of a slice a mark for the author (rising), or fills their feeds and removes the marks
   * (falling); heartbeats.
   */
  turnFollowers(turn: ModeChange, slice: Slice): Promise<SliceReport>;
  /** Completes a mode change: sets the author's new mode. */
  completeTurn(turn: ModeChange): Promise<void>;
  /** Fills a reader's feed with an author's latest posts, or removes them, according to the current relation. */
  settleRelation(change: RelationChange): Promise<RelationOutcome>;
}
