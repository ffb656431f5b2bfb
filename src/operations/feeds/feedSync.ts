import type { Window } from '../../domain/feeds/merge';
import type { FeedSettings } from '../../domain/feeds/settings';
import type { FeedRowStore } from '../../stores/feeds/feedRows';
import type { PostStore } from '../../stores/feeds/posts';
import type { RelationStore } from '../../stores/feeds/relations';
import type { FeedUserStore } from '../../stores/feeds/users';
import type { RelationChange, RelationOutcome } from '../../domain/feeds/workflows';
import type { FeedStateStore } from '../../stores/feeds/feedState';
import { trimFeed } from './feedTrim';

/** The parts that {@link FeedSync} needs. */
export interface FeedSyncParts {
  users: FeedUserStore;
  states: FeedStateStore;
  relations: RelationStore;
  posts: PostStore;
  rows: FeedRowStore;
}

/**
 * Makes a reader's feed agree with one relation: fills the feed with the author's latest posts, or removes the author's
 * posts. It reads the current relation, so changes can be processed in any order. The epoch shows which follow a row
 * belongs to.
 */
export class FeedSync {
  constructor(
    private readonly parts: FeedSyncParts,
    private readonly settings: Pick<FeedSettings, 'cap' | 'backfill'>,
  ) {}

  /** Maximum number of rows that a fill writes for one reader. */
  get rowsOfOne(): number {
    return this.settings.backfill;
  }

  /** Updates a reader's feed after a change of a relation. */
  async sync({ readerId, authorId, epoch }: RelationChange): Promise<RelationOutcome> {
    const { users, relations } = this.parts;
    // Read the epoch before the relation. If there is no relation, every follow up to that epoch has ended.
    const reader = (await users.find([readerId])).get(readerId);
    const follow = await relations.follow(readerId, authorId);
    if (!reader) return 'superseded'; // The user does not exist, so there is no feed.
    if (!follow) return this.clean(readerId, authorId, reader.epoch);
    if (follow.epoch !== epoch) return 'superseded'; // The workflow of a later change updates the feed.
    if ((await relations.marked(authorId, [readerId])).size > 0) return 'read-at-read-time';
    return this.fill(readerId, authorId);
  }

  /**
   * Writes an author's latest posts into the feed of a reader who follows the author. If the follow ends meanwhile,
   * removes them again.
   */
  async fill(readerId: string, authorId: string): Promise<RelationOutcome> {
    const { users, states, relations, posts, rows } = this.parts;
    for (;;) {
      const [found, follow] = await Promise.all([users.find([readerId]), relations.follow(readerId, authorId)]);
      const reader = found.get(readerId);
      if (!reader || !follow) return this.clean(readerId, authorId, reader?.epoch ?? 0);
      const { backfill } = this.settings;
      const latest = await posts.ofAuthor(authorId, afterOf(reader.feed.completeAfter), 'older', backfill + 1);
      // Older posts are not written. Reads of their time use the lists of all authors.
      const leftOut = latest[backfill]?.key;
      if (leftOut !== undefined) await states.raiseCompleteAfter(readerId, leftOut);
      const written = latest.slice(0, backfill).map((ref) => ({ ...ref, readerId, epoch: follow.epoch }));
      await rows.put(written);
      await trimFeed(this.parts, readerId, this.settings.cap);
      // Check again, as in a fan-out: whether the relation changed or posts were deleted meanwhile.
      const [still, there] = await Promise.all([
        relations.follow(readerId, authorId),
        posts.ofAuthor(authorId, afterOf(leftOut ?? reader.feed.completeAfter), 'newer', backfill * 2),
      ]);
      const keys = new Set(there.map(({ key }) => key));
      await rows.remove(written.filter(({ key }) => !keys.has(key)));
      if (still?.epoch === follow.epoch) return 'filled';
    }
  }

  /** Removes the rows of an author whose follow has an epoch up to `epoch`. All of these follows have ended. */
  private async clean(readerId: string, authorId: string, epoch: number): Promise<RelationOutcome> {
    const rows = await this.parts.rows.all(readerId, authorId);
    await this.parts.rows.removeEnded(rows.map((row) => ({ ...row, epoch })));
    return 'cleaned';
  }
}

const afterOf = (key: string | undefined): Window => (key === undefined ? {} : { after: key });
