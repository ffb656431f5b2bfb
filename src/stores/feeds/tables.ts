import { stringKey, type Tables } from '../tableSpec';

/** The tables of social feeds. */
export const feedTables = {
  /** Users: name, counts, the way their posts are distributed, and the state of their feed. */
  Users: { partitionKey: stringKey('UserID') },
  /** The followers of a user, ordered by a hash, so that ranges of hashes have about the same size. */
  Followers: { partitionKey: stringKey('UserID'), sortKey: stringKey('BucketFollowerID') },
  /**
   * The authors that a user follows (Entry = `follows#<author>`), and those whose posts the feed reads on each request
   * (Entry = `pulls#<author>`).
   */
  Following: { partitionKey: stringKey('UserID'), sortKey: stringKey('Entry') },
  /** The users that a user has blocked. */
  Blocks: { partitionKey: stringKey('UserID'), sortKey: stringKey('BlockedID') },
  /** Posts. A deleted post stays as a tombstone, so that a late repeated request does not recreate it. */
  Posts: { partitionKey: stringKey('PostID') },
  /** The posts of each author, in time order. */
  AuthorPosts: { partitionKey: stringKey('UserID'), sortKey: stringKey('TimePostID') },
  /** The feed of each reader: references to posts, in time order. */
  Feed: { partitionKey: stringKey('UserID'), sortKey: stringKey('TimePostID') },
} as const satisfies Tables;
