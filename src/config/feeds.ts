import { integer } from './values';

/** Settings of feeds. */
export const feedsSettings = {
  LONGWATCH_FEED_THRESHOLD: integer(10_000, 0, 1_000_000_000).describe(
    'Feeds: authors with more followers are not fanned out but merged when their followers read',
  ),
  LONGWATCH_FEED_CAP: integer(800, 1, 10_000).describe('Feeds: posts that a feed shows at most'),
  LONGWATCH_FEED_BACKFILL: integer(100, 1, 1_000).describe(
    'Feeds: posts of an author that a follow writes into the feed',
  ),
  LONGWATCH_FEED_BULK_ABOVE: integer(1_000, 0, 1_000_000_000).describe(
    'Feeds: a fan-out to more followers goes by ranges, on a queue of its own',
  ),
  LONGWATCH_FEED_RANGES: integer(8, 1, 64).describe('Feeds: ranges of a large fan-out that are written at once'),
  LONGWATCH_FEED_BULK_ROWS_PER_SECOND: integer(2_000, 1, 10_000_000).describe(
    'Feeds: rows a second that large fan-outs write, by process',
  ),
};
