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
import type { ModeChange, SliceReport } from '../../domain/feeds/workflows';
import type { FeedSync } from './feedSync';
import type { FeedStateStore } from '../../stores/feeds/feedState';
import { trimFeed } from './feedTrim';

/** The parts that {@link FanOut} needs. */
export interface FanOutParts {
  users: FeedUserStore;
  states: FeedStateStore;
  relations: RelationStore;
  posts: PostStore;
  rows: FeedRowStore;
  feedSync: FeedSync;
  onSkipped?: OnSkipped;
  onRows?(kind: 'delivered' | 'retracted' | 'turned', count: number): void;
}

/** Controls one attempt at a slice of followers. */
export interface SliceAttempt {
  /** Aborting it stops the attempt between two pages. */
  signal?: AbortSignal;
  /** Called after each page. A later attempt can continue from the report. */
  progress?(report: SliceReport): void;
  /** Waits until the rate limiter allows this many rows of an author. Only set on the queue of large fan-outs. */
  take?(authorId: string, rows: number): Promise<void>;
}

/** The sizes of pages and of attempts. */
export interface FanOutSizes {
  /** Followers on one page; they are written together. */
  page: number;
  /** Followers in one attempt. Then the attempt ends, so that the progress is visible and other fan-outs can run. */
  slice: number;
}

/** The default sizes. */
export const SIZES: FanOutSizes = { page: 400, slice: 25_000 };
const LANES = 16;

/** The result of one page of followers. `skipped` counts followers whose write was refused permanently. */
interface PageReport {
  skipped: number;
  /** Whether the post is deleted, so that the followers after this page need no write. */
  isOver?: boolean;
}

const withoutAfter = ({ rows, skipped }: SliceReport): SliceReport => ({
  rows,
  ...defined({ skipped }),
});

/**
 * Processes an author's followers page by page, in the order of their keys.
 *
 * BatchWriteItem takes no conditions, so a fan-out checks after each page whether the followers changed. An unfollow
 * leaves no post in the feed, whenever it happens:
 * - before the page is read: the page does not contain the follower;
 * - between the read and the check: the check finds it and removes the row;
 * - after the check: the unfollow's own clean-up removes the row (see `FeedSync`).
 *
 * The check is skipped while the author's count of follower changes is the same as before the page was read.
 */
export class FanOut {
  constructor(
    private readonly parts: FanOutParts,
    private readonly settings: Pick<FeedSettings, 'cap' | 'trimEvery'>,
    private readonly sizes: FanOutSizes = SIZES,
  ) {}

  /**
   * Writes a post into the feeds of a slice of followers. Stops if the post is deleted meanwhile.
   * @returns the progress; without `after`, the slice is finished
   */
  async deliver(post: PostRef, slice: Slice, attempt: SliceAttempt = {}): Promise<SliceReport> {
    let { followerChanges: known } = await this.parts.rows.standing(post);
    const look = async (page: Follower[], changesBefore: number) => {
      await attempt.take?.(post.authorId, page.length);
      const { rows } = this.parts;
      const rowsOf = (some: readonly Follower[]) =>
        some.map(({ followerId, epoch }): FeedRow => ({ ...post, readerId: followerId, epoch }));
      const skipped = new Set<Follower>();
      /** Does a step for all followers of the page that were not skipped before. */
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
      if (followerChanges !== changesBefore) await step((some) => this.correctPage(post.authorId, rowsOf(some), some));
      known = followerChanges;
      await step((some) => this.trim(post, some));
      this.parts.onRows?.('delivered', page.length - skipped.size);
      return { skipped: skipped.size };
    };
    return this.through(post.authorId, slice, attempt, look, () => known);
  }

  /**
   * Removes a deleted post from the feeds of a slice of followers.
   * @returns the progress; without `after`, the slice is finished
   */
  retract(post: PostRef, slice: Slice, attempt: SliceAttempt = {}): Promise<SliceReport> {
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
   * Changes how a slice of followers receives an author's posts. Rising: gives followers a mark, after which their
   * feeds read the author's own list. Falling: writes the author's latest posts into their feeds, then removes the
   * marks.
   * @returns the progress; without `after`, the slice is finished
   */
  turn(
    { authorId, modeVersion, direction }: ModeChange,
    slice: Slice,
    attempt: SliceAttempt = {},
  ): Promise<SliceReport> {
    const { relations, feedSync } = this.parts;
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
            await attempt.take?.(authorId, feedSync.rowsOfOne);
            await feedSync.fill(followerId, authorId);
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
    { signal, progress }: SliceAttempt,
    lookAfter: (page: Follower[], changesBefore: number) => Promise<PageReport>,
    known = () => 0,
  ): Promise<SliceReport> {
    const { page: size, slice } = this.sizes;
    const report: SliceReport = { rows: 0, ...defined({ after }) };
    const pageAfter = async (key: string | undefined) => {
      // Take the count before the page is read.
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
      // Read the next page while this page is written. If somebody follows the author meanwhile, the follow itself
      // fills that feed.
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
   * Does a step for followers of one page. Skips and reports a follower whose step is refused permanently.
   * @returns the skipped followers
   */
  private each(
    page: readonly Follower[],
    work: (some: readonly Follower[]) => Promise<unknown>,
  ): Promise<Set<Follower>> {
    return skipRefused(page, work, ({ followerId }, error) =>
      this.parts.onSkipped?.(`the feed of ${followerId}`, error),
    );
  }

  /** Checks a page that was written while followers changed, and corrects the rows. */
  private async correctPage(authorId: string, written: FeedRow[], page: readonly Follower[]): Promise<void> {
    const { relations, rows } = this.parts;
    for (let left = written; left.length > 0;) {
      const now = await relations.sameFollowers(authorId, page);
      const epochs = new Map(now.map(({ followerId, epoch }) => [followerId, epoch]));
      await rows.removeEnded(left.filter(({ readerId }) => !epochs.has(readerId)));
      // A follower who left and follows again may have had a newer row, and this fan-out overwrote it. Write the newer
      // epoch and check again.
      left = left.flatMap((row) => {
        const epoch = epochs.get(row.readerId);
        return epoch === undefined || epoch === row.epoch ? [] : [{ ...row, epoch }];
      });
      await rows.put(left);
    }
  }

  /**
   * Shortens feeds that exceed the cap. Checks one of `trimEvery` followers. The choice depends on a hash, so a
   * repetition checks the same followers.
   */
  private async trim({ key }: PostRef, page: readonly Follower[]): Promise<void> {
    const chosen = page.filter(({ followerId }) => hashOf(`${key}#${followerId}`) % this.settings.trimEvery === 0);
    await inLanes(chosen, LANES, ({ followerId }) => trimFeed(this.parts, followerId, this.settings.cap));
  }
}
