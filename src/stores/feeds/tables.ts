import { stringKey, type Tables } from '../tables';

/** The tables of social feeds. */
export const feedTables = {
  /** Whoever posts, follows and reads: name, counts, how their posts are spread, and the state of their feed. */
  Users: { partitionKey: stringKey('UserID') },
  /** Who follows a user, in the order of a hash, so that ranges of it are of one size. */
  Followers: { partitionKey: stringKey('UserID'), sortKey: stringKey('BucketFollowerID') },
  /**
   * Whom a user follows (Entry = `follows#<author>`), and whose posts their feed reads at read time (Entry =
   * `pulls#<author>`).
   */
  Following: { partitionKey: stringKey('UserID'), sortKey: stringKey('Entry') },
  /** Whom a user has blocked. */
  Blocks: { partitionKey: stringKey('UserID'), sortKey: stringKey('BlockedID') },
  /** Posts; a deleted one stays as a tombstone, so that a late repetition does not revive it. */
  Posts: { partitionKey: stringKey('PostID') },
  /** What each author posted, in time order. */
  AuthorPosts: { partitionKey: stringKey('UserID'), sortKey: stringKey('TimePostID') },
  /** What was written into each reader's feed: references, in time order. */
  Feed: { partitionKey: stringKey('UserID'), sortKey: stringKey('TimePostID') },
} as const satisfies Tables;
