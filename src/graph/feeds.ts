import {
  FEEDS_BULK_QUEUE,
  FEEDS_QUEUE,
  FAN_OUT_TYPE,
  RELATION_TYPE,
  RETRACT_TYPE,
  TURN_TYPE,
} from '../domain/feeds/workflows';
import { declareCapability } from './capability';
import type * as built from './feeds/build';
import { feedsSettings } from '../config/feeds';
import { feedLifecycles } from '../domain/feeds/lifecycles';
import { FeedMetrics } from '../metrics/feeds';
import { feedGrants } from '../stores/feeds/grants';
import { feedTables } from '../stores/feeds/tables';

/** The capability `feeds`: social feeds. */
export const feeds = declareCapability({
  name: 'feeds',
  title: 'Feeds',
  tables: feedTables,
  grants: feedGrants,
  queues: {
    [FEEDS_QUEUE]: { concurrentActivities: 50, group: 'feeds' },
    [FEEDS_BULK_QUEUE]: { concurrentActivities: 16, group: 'feeds', activitiesOnly: true },
  },
  lifecycles: feedLifecycles,
  workflowsPath: () => require.resolve('../workflows/feeds'),
  workflowIds: { 'fan-out': ['postId'], relation: ['readerId', 'authorId'], retract: ['postId'], turn: ['authorId'] },
  requestIds: { names: ['userId', 'postId'], collections: { posts: 'postId' } },
  settings: feedsSettings,
  metrics: FeedMetrics,
  page: {
    lead: { label: 'posts delivered', of: { label: 'posts delivered' } },
    news: {
      [FAN_OUT_TYPE]: 'The fan-out of a post',
      [RETRACT_TYPE]: 'The retraction of a post',
      [TURN_TYPE]: 'The mode change of an author',
    },
    running: { [FAN_OUT_TYPE]: 'fan-outs under way', [RELATION_TYPE]: 'follows being settled' },
    sizes: { Posts: 'posts kept' },
    counters: [
      {
        metric: 'longwatch_feed_rows_total',
        label: ({ kind }) => (kind === 'delivered' ? 'posts delivered' : undefined),
      },
    ],
  },
  build: (services, metrics) => (require('./feeds/build') as typeof built).buildFeeds(services, metrics),
});
