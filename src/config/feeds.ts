import { integer } from './values';

/** Settings of feeds. */
export const feedsSettings = {
  LONGWATCH_FEED_THRESHOLD: integer(10_000, 0, 1_000_000_000).describe(
    'Feeds: number of followers above which an author’s posts are merged on read instead of fanned out on write',
  ),
  LONGWATCH_FEED_CAP: integer(800, 1, 10_000).describe('Feeds: maximum number of posts that a feed shows'),
  LONGWATCH_FEED_BACKFILL: integer(100, 1, 1_000).describe(
    'Feeds: number of an author’s posts that a new follow writes to the feed',
  ),
  LONGWATCH_FEED_BULK_ABOVE: integer(1_000, 0, 1_000_000_000).describe(
    'Feeds: number of followers above which a fan-out is split into ranges and runs on its own task queue',
  ),
  LONGWATCH_FEED_RANGES: integer(8, 1, 64).describe('Feeds: ranges of a large fan-out that are written in parallel'),
  LONGWATCH_FEED_BULK_ROWS_PER_SECOND: integer(2_000, 1, 10_000_000).describe(
    'Feeds: maximum rows a second that large fan-outs write in one process',
  ),
};
