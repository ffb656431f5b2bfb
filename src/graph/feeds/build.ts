import { feedsActivities } from '../../activities/feeds';
import { FanOut, type FanOutParts } from '../../operations/feeds/fanOut';
import { RateLimiter } from '../../operations/feeds/rateLimiter';
import { FeedSync } from '../../operations/feeds/feedSync';
import { feedRoutes } from '../../api/feeds/feed';
import { postRoutes } from '../../api/feeds/posts';
import { relationRoutes } from '../../api/feeds/relations';
import type { FeedSettings } from '../../domain/feeds/settings';
import { Feeds } from '../../operations/feeds/feed';
import { modeChangeRows } from '../../operations/feeds/reconciledRows';
import { Posts } from '../../operations/feeds/posts';
import { Relations } from '../../operations/feeds/relations';
import { FeedRowStore } from '../../stores/feeds/feedRows';
import { PostStore } from '../../stores/feeds/posts';
import { RelationStore } from '../../stores/feeds/relations';
import { FeedUserStore } from '../../stores/feeds/users';
import { FEEDS_BULK_QUEUE, FEEDS_QUEUE } from '../../domain/feeds/workflows';
import type { CapabilityInstance, Services } from '../capability';
import type { SettingsOf } from '../../config';
import type { feedsSettings } from '../../config/feeds';
import type { FeedMetrics } from '../../metrics/feeds';
import { FeedStateStore } from '../../stores/feeds/feedState';

/**
 * One of this many written rows checks the length of its feed. A check costs some 20 read units, so this adds a
 * twentieth of a unit per row.
 */
const TRIM_EVERY = 400;

const ROWS = {
  delivered: 'post delivered to a feed',
  retracted: 'post removed from a feed',
  turned: 'feed updated because its author’s delivery mode changed',
} as const;

/** Returns the settings of feeds. */
export function feedSettings(config: SettingsOf<typeof feedsSettings>): FeedSettings {
  return {
    threshold: config.LONGWATCH_FEED_THRESHOLD,
    cap: config.LONGWATCH_FEED_CAP,
    backfill: config.LONGWATCH_FEED_BACKFILL,
    bulkAbove: config.LONGWATCH_FEED_BULK_ABOVE,
    ranges: config.LONGWATCH_FEED_RANGES,
    trimEvery: TRIM_EVERY,
  };
}

/** Builds the capability: users, follows and blocks, posts, and feeds. */
export function buildFeeds(
  { config, db, outbox, onSkipped, note }: Services<typeof feedsSettings>,
  metrics: FeedMetrics,
): CapabilityInstance {
  const settings = feedSettings(config);
  const users = new FeedUserStore(db);
  const stores = {
    users,
    states: new FeedStateStore(db),
    relations: new RelationStore(db),
    posts: new PostStore(db),
    rows: new FeedRowStore(db),
  };
  const owing = { ...stores, db, outbox };
  const feedSync = new FeedSync(stores, settings);
  const onRows: NonNullable<FanOutParts['onRows']> = (kind, count) => {
    metrics.rowsWritten(kind, count);
    note({ area: 'feeds', tone: 'routine', text: ROWS[kind], count });
  };
  const fanOut = new FanOut({ ...stores, feedSync, onRows, onSkipped: onSkipped('fan-out') }, settings);
  const rateLimiter = new RateLimiter(config.LONGWATCH_FEED_BULK_ROWS_PER_SECOND);
  const feeds = new Feeds(stores, settings);
  return {
    routes: [
      ...relationRoutes({ users, relations: stores.relations, changes: new Relations(owing, settings) }),
      ...postRoutes({ posts: new Posts(owing, settings), store: stores.posts }),
      ...feedRoutes({ feeds }),
    ],
    activities: {
      [FEEDS_QUEUE]: feedsActivities({ users, fanOut, feedSync }),
      [FEEDS_BULK_QUEUE]: feedsActivities({ users, fanOut, feedSync, rateLimiter }),
    },
    standing: [],
    rows: [modeChangeRows(users, settings)],
  };
}
