import { hashOf, type Slice } from '../../domain/feeds/ranges';
import type { PostRef } from '../../domain/feeds/post';
import type { FeedSettings } from '../../domain/feeds/settings';
import { inLanes } from '../../domain/lanes';
import type { FeedRow, FeedRowStore } from '../../stores/feeds/feedRows';
import type { PostStore } from '../../stores/feeds/posts';
import type { Follower, RelationStore } from '../../stores/feeds/relations';
import type { FeedUserStore } from '../../stores/feeds/users';
import type { Turn } from '../../workflows/feeds/declarations';
import type { Settling } from './settling';
import type { SliceReport } from './types';

export interface FanOutParts {
  users: FeedUserStore;
  relations: RelationStore;
  posts: PostStore;
  rows: FeedRowStore;
  settling: Settling;
  onRows?(kind: 'delivered' | 'retracted' | 'turned', count: number): void;
}

/** How one attempt at a slice is run. */
export interface Attempt {
  /** Stops between two pages. */
  signal?: AbortSignal;
  /** Told after each page; what it says is where a later attempt may begin. */
  progress?(report: SliceReport): void;
  /** Waits until so many rows of an author may be written; on the queue of large ones. */
  take?(authorId: string, rows: number): Promise<void>;
}

export interface FanOutSizes {
  /** Followers that are looked after at once. */
  page: number;
  /** Followers after which an attempt ends, so that others have their turn and progress shows. */
  slice: number;
}

export const SIZES: FanOutSizes = { page: 400, slice: 25_000 };
const LANES = 16;

/**
 * Goes through an author's followers, page by page, in the order of their keys.
 *
 * Writes in batches have no conditions, so what changed while a page was written is looked for afterwards. Of an
 * unfollow at u, and a page that was read at r, written at w and looked at again at l: before r, the page does not
 * have the follower; after l, the unfollow's own clean-up finds what was written; between them, the second look does.
 * It is spared while the author's count of changes stands at what it was before r.
 */
export class FanOut {
  constructor(
    private readonly parts: FanOutParts,
    private readonly settings: Pick<FeedSettings, 'cap' | 'trimEvery'>,
    private readonly sizes: FanOutSizes = SIZES,
  ) {}

  /** Writes a post into the feeds of a slice of followers. */
  async deliver(post: PostRef, slice: Slice, attempt: Attempt = {}): Promise<SliceReport> {
    let { followerChanges: known } = await this.parts.rows.standing(post);
    const look = async (page: Follower[], changesBefore: number) => {
      await attempt.take?.(post.authorId, page.length);
      const written = page.map(({ followerId, epoch }): FeedRow => ({ ...post, readerId: followerId, epoch }));
      await this.parts.rows.put(written);
      const { there, followerChanges } = await this.parts.rows.standing(post);
      if (!there) {
        // What goes through the feeds to remove it may have been here before us.
        await this.parts.rows.remove(written);
        return 'stop';
      }
      if (followerChanges !== changesBefore) await this.settle(post.authorId, written, page);
      known = followerChanges;
      await this.trim(post, page);
      this.parts.onRows?.('delivered', page.length);
      return 'go on';
    };
    return this.through(post.authorId, slice, attempt, look, () => known);
  }

  /** Removes a deleted post from the feeds of a slice of followers. */
  retract(post: PostRef, slice: Slice, attempt: Attempt = {}): Promise<SliceReport> {
    return this.through(post.authorId, slice, attempt, async (page) => {
      await attempt.take?.(post.authorId, page.length);
      await this.parts.rows.retract(post.key, page.map(({ followerId }) => followerId));
      this.parts.onRows?.('retracted', page.length);
      return 'go on';
    });
  }

  /** Rising: marks followers, who then read the author's list. Falling: fills their feeds, then takes the marks away. */
  turn({ authorId, modeVersion, direction }: Turn, slice: Slice, attempt: Attempt = {}): Promise<SliceReport> {
    const { relations, settling } = this.parts;
    return this.through(authorId, slice, attempt, async (page) => {
      if (direction === 'rising') {
        await attempt.take?.(authorId, page.length);
        await inLanes(page, LANES, (follower) => relations.mark(authorId, follower, modeVersion));
      } else {
        const marked = await relations.marked(authorId, page.map(({ followerId }) => followerId));
        await inLanes(page.filter(({ followerId }) => marked.has(followerId)), LANES, async ({ followerId }) => {
          await attempt.take?.(authorId, settling.rowsOfOne);
          await settling.fill(followerId, authorId);
          await relations.unmark(authorId, followerId, modeVersion);
        });
      }
      this.parts.onRows?.('turned', page.length);
      return 'go on';
    });
  }

  private async through(authorId: string, { range, after }: Slice, { signal, progress }: Attempt, lookAfter: (page: Follower[], changesBefore: number) => Promise<'go on' | 'stop'>, known = () => 0): Promise<SliceReport> {
    const { page: size, slice } = this.sizes;
    const report: SliceReport = { rows: 0, ...(after !== undefined && { after }) };
    const pageAfter = async (key: string | undefined) => {
      // Known before the page is read.
      const changesBefore = known();
      return { changesBefore, followers: await this.parts.relations.followersOf(authorId, { range, ...(key !== undefined && { after: key }) }, size) };
    };
    let { followers: page, changesBefore } = await pageAfter(after);
    for (;;) {
      signal?.throwIfAborted();
      const last = page.at(-1);
      if (!last) return { rows: report.rows };
      const isLast = page.length < size;
      // The next page is read while this one is written; who follows meanwhile has their feed filled by the follow.
      const [outcome, next] = await Promise.all([lookAfter(page, changesBefore), isLast ? undefined : pageAfter(last.key)]);
      report.rows += page.length;
      if (!next || outcome === 'stop') return { rows: report.rows };
      report.after = last.key;
      progress?.({ ...report });
      if (report.rows >= slice) return report;
      ({ followers: page, changesBefore } = next);
    }
  }

  /** The second look at a page that was written while followers changed. */
  private async settle(authorId: string, written: FeedRow[], page: readonly Follower[]): Promise<void> {
    const { relations, rows } = this.parts;
    for (let left = written; left.length > 0; ) {
      const now = await relations.sameFollowers(authorId, page);
      const epochs = new Map(now.map(({ followerId, epoch }) => [followerId, epoch]));
      await rows.removeEnded(left.filter(({ readerId }) => !epochs.has(readerId)));
      // Who left and follows again may have had a newer reference, over which we wrote: put the newer one back, and look again.
      left = left.flatMap((row) => {
        const epoch = epochs.get(row.readerId);
        return epoch === undefined || epoch === row.epoch ? [] : [{ ...row, epoch }];
      });
      await rows.put(left);
    }
  }

  /** Shortens feeds that have grown beyond the cap; of a few of those written to, chosen by chance but always the same ones. */
  private async trim({ key }: PostRef, page: readonly Follower[]): Promise<void> {
    const chosen = page.filter(({ followerId }) => hashOf(`${key}#${followerId}`) % this.settings.trimEvery === 0);
    await inLanes(chosen, LANES, ({ followerId }) => this.parts.settling.trim(followerId));
  }
}
