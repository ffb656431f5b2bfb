import { FanOut, type FanOutSizes } from '../../../src/operations/feeds/fanOut';
import { FeedSync } from '../../../src/operations/feeds/feedSync';
import type { PostRef } from '../../../src/domain/feeds/post';
import { rangesOf, type Slice } from '../../../src/domain/feeds/ranges';
import type { FeedSettings } from '../../../src/domain/feeds/settings';
import { Feeds } from '../../../src/operations/feeds/feed';
import { Posts } from '../../../src/operations/feeds/posts';
import { Relations } from '../../../src/operations/feeds/relations';
import type { OutboxEntry, WorkflowStart } from '../../../src/domain/platform/outbox';
import type { Db } from '../../../src/stores/dynamodb';
import { FeedRowStore } from '../../../src/stores/feeds/feedRows';
import { PostStore } from '../../../src/stores/feeds/posts';
import { RelationStore } from '../../../src/stores/feeds/relations';
import { FeedUserStore } from '../../../src/stores/feeds/users';
import { OutboxStore } from '../../../src/stores/platform/outbox';
import { dueEntries, outboxOf } from '../outbox';
import {
  type FanOutInput,
  FAN_OUT_TYPE,
  RELATION_TYPE,
  type RelationChange,
  RETRACT_TYPE,
  TURN_TYPE,
  type ModeChangeInput,
  type SliceReport,
} from '../../../src/domain/feeds/workflows';
import { clockOf } from '../clock';
import { FeedStateStore } from '../../../src/stores/feeds/feedState';

/** Small, so that a few users and posts go beyond everything. */
export const smallSettings: FeedSettings = { threshold: 2, cap: 5, backfill: 2, ranges: 2, bulkAbove: 1, trimEvery: 2 };
const smallSizes: FanOutSizes = { page: 2, slice: 3 };

interface Stores {
  users: FeedUserStore;
  states: FeedStateStore;
  relations: RelationStore;
  posts: PostStore;
  rows: FeedRowStore;
}

export type World = ReturnType<typeof feedWorld>;

/** Everything of the feeds but Temporal, on one database. */
export function feedWorld(
  db: Db,
  options: {
    settings?: FeedSettings;
    sizes?: FanOutSizes;
    dispatchSoon?(entry: OutboxEntry): void;
    now?(): number;
    over?: Partial<Stores>;
  } = {},
) {
  const settings = options.settings ?? smallSettings;
  const users = new FeedUserStore(db);
  const stores: Stores = {
    users,
    states: new FeedStateStore(db),
    relations: new RelationStore(db),
    posts: new PostStore(db),
    rows: new FeedRowStore(db),
    ...options.over,
  };
  const owing = {
    ...stores,
    db,
    outbox: outboxOf(db, options.dispatchSoon),
    ...(options.now && { clock: clockOf(options.now) }),
  };
  const feedSync = new FeedSync(stores, settings);
  return {
    ...stores,
    db,
    outboxStore: new OutboxStore(db),
    feedSync,
    settings,
    fanOut: new FanOut({ ...stores, feedSync }, settings, options.sizes ?? smallSizes),
    changes: new Relations(owing, settings),
    posting: new Posts(owing, settings),
    feeds: new Feeds(stores, settings),
  };
}

/** Does what a workflow would, activity by activity, each tried again until it succeeds. */
export async function carryOut(
  world: World,
  { payload }: OutboxEntry,
  again: <T>(attempt: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const start = payload as WorkflowStart;
  const [input] = start.args;
  const through = (ranges: number, look: (slice: Slice) => Promise<SliceReport>) =>
    Promise.all(
      rangesOf(ranges).map(async (range) => {
        for (let slice: Slice | undefined = { range }; slice;) {
          const from: Slice = slice;
          const { after }: SliceReport = await again(() => look(from));
          slice = after === undefined ? undefined : { range, after };
        }
      }),
    );
  switch (start.workflowType) {
    case FAN_OUT_TYPE:
    case RETRACT_TYPE: {
      const { post, plan } = input as FanOutInput;
      const step = start.workflowType === FAN_OUT_TYPE ? 'deliver' : 'retract';
      await through(plan.ranges, (slice) => world.fanOut[step](post, slice));
      return;
    }
    case TURN_TYPE: {
      const { turn, plan } = input as ModeChangeInput;
      await through(plan.ranges, (slice) => world.fanOut.turn(turn, slice));
      return again(() => world.users.completeTurn(turn.authorId, turn.modeVersion, turn.direction));
    }
    case RELATION_TYPE:
      return void (await again(() => world.feedSync.sync(input as RelationChange)));
    default:
      throw new Error(`No feed starts a ${start.workflowType}`);
  }
}

/** Every workflow that is to be started. */
export const pendingStarts = (world: World): Promise<OutboxEntry<WorkflowStart>[]> =>
  dueEntries(world.db, 'start', Date.now() + 86_400_000);

/** Carries out every workflow that is to be started, until there is none. */
export async function untilIdle(world: World): Promise<void> {
  for (let starts = await pendingStarts(world); starts.length > 0; starts = await pendingStarts(world))
    for (const start of starts) {
      await carryOut(world, start, (attempt) => attempt());
      await world.outboxStore.remove([start]);
    }
}

/** A whole feed from the top down, by pages, and from there up again. */
export async function wholeFeed(
  world: World,
  readerId: string,
  limit: number,
  mode: 'push' | 'pull' = 'push',
): Promise<{ down: string[]; up: string[] }> {
  const down: string[] = [];
  let page = await world.feeds.read(readerId, { limit, mode });
  down.push(...page.items.map(({ postId }) => postId));
  while (page.older !== undefined) {
    page = await world.feeds.read(readerId, { limit, mode, cursor: page.older });
    down.push(...page.items.map(({ postId }) => postId));
  }
  const up = page.items.map(({ postId }) => postId);
  for (let cursor = page.newer; cursor !== undefined; cursor = page.newer) {
    page = await world.feeds.read(readerId, { limit, mode, cursor, direction: 'newer' });
    if (page.items.length === 0) break;
    up.unshift(...page.items.map(({ postId }) => postId));
  }
  return { down, up };
}

/** The definition of a feed: the posts of all whom the reader follows, newest first, capped. */
export async function bruteForce(world: World, readerId: string, userIds: readonly string[]): Promise<string[]> {
  const refs: PostRef[] = [];
  for (const authorId of userIds) {
    const { follows, blocks, blockedBy } = await world.relations.between(readerId, authorId);
    if (follows && !blocks && !blockedBy) refs.push(...(await world.posts.ofAuthor(authorId, {}, 'older', 1_000)));
  }
  const live = await world.posts.findAll(refs.sort((a, b) => (a.key < b.key ? 1 : -1)));
  return live.slice(0, world.settings.cap).map(({ postId }) => postId);
}
