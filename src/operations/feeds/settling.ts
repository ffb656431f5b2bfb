import type { Window } from '../../domain/feeds/merge';
import type { FeedSettings } from '../../domain/feeds/settings';
import type { FeedRowStore } from '../../stores/feeds/feedRows';
import type { PostStore } from '../../stores/feeds/posts';
import type { RelationStore } from '../../stores/feeds/relations';
import type { FeedUserStore } from '../../stores/feeds/users';
import type { RelationChange, Settled } from '../../domain/feeds/workflows';

export interface SettlingParts {
  users: FeedUserStore;
  relations: RelationStore;
  posts: PostStore;
  rows: FeedRowStore;
}

/**
 * Makes one reader's feed agree with one relation: filled with the author's latest posts, or cleaned of them. It goes
 * by the relation as it is now, so that changes may be settled in any order: epochs tell what belongs to which follow.
 */
export class Settling {
  constructor(
    private readonly parts: SettlingParts,
    private readonly settings: Pick<FeedSettings, 'cap' | 'backfill'>,
  ) {}

  /** References that filling writes for one reader at most. */
  get rowsOfOne(): number {
    return this.settings.backfill;
  }

  async settle({ readerId, authorId, epoch }: RelationChange): Promise<Settled> {
    const { users, relations } = this.parts;
    // First the epoch, then the relation: if there is none, every follow up to that epoch has ended.
    const reader = (await users.find([readerId])).get(readerId);
    const follow = await relations.follow(readerId, authorId);
    if (!reader) return 'superseded'; // Nobody to have a feed.
    if (!follow) return this.clean(readerId, authorId, reader.epoch);
    if (follow.epoch !== epoch) return 'superseded'; // A later change settles it.
    if ((await relations.marked(authorId, [readerId])).size > 0) return 'read-at-read-time';
    return this.fill(readerId, authorId);
  }

  /** Writes an author's latest posts into the feed of a reader who follows them. */
  async fill(readerId: string, authorId: string): Promise<Settled> {
    const { users, relations, posts, rows } = this.parts;
    for (;;) {
      const [found, follow] = await Promise.all([users.find([readerId]), relations.follow(readerId, authorId)]);
      const reader = found.get(readerId);
      if (!reader || !follow) return this.clean(readerId, authorId, reader?.epoch ?? 0);
      const { backfill } = this.settings;
      const latest = await posts.ofAuthor(authorId, afterOf(reader.feed.completeAfter), 'older', backfill + 1);
      // What does not go in any more is read from the author's list, with everything else of that time.
      const leftOut = latest[backfill]?.key;
      if (leftOut !== undefined) await users.raiseCompleteAfter(readerId, leftOut);
      const written = latest.slice(0, backfill).map((ref) => ({ ...ref, readerId, epoch: follow.epoch }));
      await rows.put(written);
      await this.trim(readerId);
      // The second look, as in a fan-out: at the relation, and at what was deleted meanwhile.
      const [still, there] = await Promise.all([
        relations.follow(readerId, authorId),
        posts.ofAuthor(authorId, afterOf(leftOut ?? reader.feed.completeAfter), 'newer', backfill * 2),
      ]);
      const keys = new Set(there.map(({ key }) => key));
      await rows.remove(written.filter(({ key }) => !keys.has(key)));
      if (still?.epoch === follow.epoch) return 'filled';
    }
  }

  /** Removes what the feed has of an author because of follows up to an epoch, all of which have ended. */
  private async clean(readerId: string, authorId: string, epoch: number): Promise<Settled> {
    const rows = await this.parts.rows.all(readerId, authorId);
    await this.parts.rows.removeEnded(rows.map((row) => ({ ...row, epoch })));
    return 'cleaned';
  }

  /** Cuts a feed that is longer than the cap down to it. */
  async trim(readerId: string): Promise<void> {
    const { users, rows } = this.parts;
    const all = await rows.all(readerId);
    const firstOut = all[this.settings.cap];
    if (!firstOut) return;
    // The border first: whoever reads meanwhile begins again and reads up to it from the authors' lists.
    await users.raiseCompleteAfter(readerId, firstOut.key);
    await rows.remove(all.slice(this.settings.cap));
  }
}

const afterOf = (key: string | undefined): Window => (key === undefined ? {} : { after: key });
