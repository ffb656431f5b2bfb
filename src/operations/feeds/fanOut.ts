import { defined } from '../../domain/defined';
import { hashOf, type Slice } from '../../domain/feeds/ranges';
import type { PostRef } from '../../domain/feeds/post';
import type { FeedSettings } from '../../domain/feeds/settings';
import { inLanes } from '../../domain/lanes';
import { type OnSkipped, skipRefused } from '../platform/isolate';
import type { FeedRow, FeedRowStore } from '../../stores/feeds/feedRows';
import type { PostStore } from '../../stores/feeds/posts';
import type { Follower, RelationStore } from '../../stores/feeds/relations';
import type { FeedUserStore } from '../../stores/feeds/users';
import type { Turn, SliceReport } from '../../domain/feeds/workflows';
import type { Settling } from './settling';

export interface FanOutParts {
  users: FeedUserStore;
  relations: RelationStore;
  posts: PostStore;
  rows: FeedRowStore;
  settling: Settling;
  onSkipped?: OnSkipped;
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

/** What was done about one page of followers. */
interface PageReport {
  skipped: number;
  /** The post is deleted: the followers behind this page need nothing. */
  isOver?: boolean;
}

const withoutAfter = ({ rows, skipped }: SliceReport): SliceReport => ({
  rows,
  ...defined({ skipped }),
});

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
      const { rows } = this.parts;
      const rowsOf = (some: readonly Follower[]) =>
        some.map(({ followerId, epoch }): FeedRow => ({ ...post, readerId: followerId, epoch }));
      const skipped = new Set<Follower>();
      /** A step for all followers who were not skipped before. */
      const step = async (work: (some: readonly Follower[]) => Promise<unknown>) => {
        for (const one of await this.each(
          page.filter((follower) => !skipped.has(follower)),
          work,
        ))
          skipped.add(one);
      };
      await step((some) => rows.put(rowsOf(some)));
      const { there, followerChanges } = await rows.standing(post);
      if (!there) {
        // The post was deleted meanwhile, and its retraction may already have passed these followers, so undo this
        // write.
        await step((some) => rows.remove(rowsOf(some)));
        return { skipped: skipped.size, isOver: true };
      }
      if (followerChanges !== changesBefore) await step((some) => this.settle(post.authorId, rowsOf(some), some));
      known = followerChanges;
      await step((some) => this.trim(post, some));
      this.parts.onRows?.('delivered', page.length - skipped.size);
      return { skipped: skipped.size };
    };
    return this.through(post.authorId, slice, attempt, look, () => known);
  }

  /** Removes a deleted post from the feeds of a slice of followers. */
  retract(post: PostRef, slice: Slice, attempt: Attempt = {}): Promise<SliceReport> {
    return this.through(post.authorId, slice, attempt, async (page) => {
      await attempt.take?.(post.authorId, page.length);
      const skipped = await this.each(page, (some) =>
        this.parts.rows.retract(
          post.key,
          some.map(({ followerId }) => followerId),
        ),
      );
      this.parts.onRows?.('retracted', page.length - skipped.size);
      return { skipped: skipped.size };
    });
  }

  /**
   * Rising: marks followers, who then read the author's list. Falling: fills their feeds, then takes the marks away.
   */
  turn({ authorId, modeVersion, direction }: Turn, slice: Slice, attempt: Attempt = {}): Promise<SliceReport> {
    const { relations, settling } = this.parts;
    return this.through(authorId, slice, attempt, async (page) => {
      if (direction === 'rising') await attempt.take?.(authorId, page.length);
      const skipped = await this.each(page, async (some) => {
        if (direction === 'rising')
          return void (await inLanes(some, LANES, (follower) => relations.mark(authorId, follower, modeVersion)));
        const marked = await relations.marked(
          authorId,
          some.map(({ followerId }) => followerId),
        );
        await inLanes(
          some.filter(({ followerId }) => marked.has(followerId)),
          LANES,
          async ({ followerId }) => {
            await attempt.take?.(authorId, settling.rowsOfOne);
            await settling.fill(followerId, authorId);
            await relations.unmark(authorId, followerId, modeVersion);
          },
        );
      });
      this.parts.onRows?.('turned', page.length - skipped.size);
      return { skipped: skipped.size };
    });
  }

  private async through(
    authorId: string,
    { range, after }: Slice,
    { signal, progress }: Attempt,
    lookAfter: (page: Follower[], changesBefore: number) => Promise<PageReport>,
    known = () => 0,
  ): Promise<SliceReport> {
    const { page: size, slice } = this.sizes;
    const report: SliceReport = { rows: 0, ...defined({ after }) };
    const pageAfter = async (key: string | undefined) => {
      // Known before the page is read.
      const changesBefore = known();
      return {
        changesBefore,
        followers: await this.parts.relations.followersOf(authorId, { range, ...defined({ after: key }) }, size),
      };
    };
    let { followers: page, changesBefore } = await pageAfter(after);
    for (;;) {
      signal?.throwIfAborted();
      const last = page.at(-1);
      if (!last) return withoutAfter(report);
      const isLast = page.length < size;
      // The next page is read while this one is written; who follows meanwhile has their feed filled by the follow.
      const [{ skipped, isOver }, next] = await Promise.all([
        lookAfter(page, changesBefore),
        isLast ? undefined : pageAfter(last.key),
      ]);
      report.rows += page.length;
      if (skipped > 0) report.skipped = (report.skipped ?? 0) + skipped;
      if (!next || isOver) return withoutAfter(report);
      report.after = last.key;
      progress?.({ ...report });
      if (report.rows >= slice) return report;
      ({ followers: page, changesBefore } = next);
    }
  }

  /**
   * A step for followers of one page. One follower for whom it is refused for good is skipped and reported; the step is
   * done for all others.
   */
  private each(
    page: readonly Follower[],
    work: (some: readonly Follower[]) => Promise<unknown>,
  ): Promise<Set<Follower>> {
    return skipRefused(page, work, ({ followerId }, error) =>
      this.parts.onSkipped?.(`the feed of ${followerId}`, error),
    );
  }

  /** The second look at a page that was written while followers changed. */
  private async settle(authorId: string, written: FeedRow[], page: readonly Follower[]): Promise<void> {
    const { relations, rows } = this.parts;
    for (let left = written; left.length > 0;) {
      const now = await relations.sameFollowers(authorId, page);
      const epochs = new Map(now.map(({ followerId, epoch }) => [followerId, epoch]));
      await rows.removeEnded(left.filter(({ readerId }) => !epochs.has(readerId)));
      // Who left and follows again may have had a newer reference, over which we wrote: put the newer one back, and
      // look again.
      left = left.flatMap((row) => {
        const epoch = epochs.get(row.readerId);
        return epoch === undefined || epoch === row.epoch ? [] : [{ ...row, epoch }];
      });
      await rows.put(left);
    }
  }

  /**
   * Shortens feeds that have grown beyond the cap; of a few of those written to, chosen by chance but always the same
   * ones.
   */
  private async trim({ key }: PostRef, page: readonly Follower[]): Promise<void> {
    const chosen = page.filter(({ followerId }) => hashOf(`${key}#${followerId}`) % this.settings.trimEvery === 0);
    await inLanes(chosen, LANES, ({ followerId }) => this.parts.settling.trim(followerId));
  }
}
