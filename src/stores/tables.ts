/**
 * Every table, key and index of Longwatch, in one place. Local creation, the tests and the deployment
 * all read this list; nothing else names a key attribute's type.
 */
export interface KeySpec {
  name: string;
  type: 'S' | 'N';
}

export interface IndexSpec {
  partitionKey: KeySpec;
  sortKey?: KeySpec;
  /** `ALL`, `KEYS_ONLY`, or the non-key attributes to project. */
  projection: 'ALL' | 'KEYS_ONLY' | readonly string[];
}

export interface TableSpec {
  partitionKey: KeySpec;
  sortKey?: KeySpec;
  indexes?: Readonly<Record<string, IndexSpec>>;
  stream?: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE';
  /** Name of the TTL attribute (epoch seconds): only ever a backstop, never what correctness rests on. */
  ttl?: string;
}

const S = (name: string): KeySpec => ({ name, type: 'S' });
const N = (name: string): KeySpec => ({ name, type: 'N' });

export const tables = {
  /** A decision a transaction: what was asked (hash), what was answered (byte for byte), the facts to score it again. */
  Decisions: { partitionKey: S('TransactionID') },
  /** Bounded behaviour of a user; `Version` guards every write. */
  UserProfiles: { partitionKey: S('UserID') },
  /** Bounded counters of a merchant, kept by the stream of TransactionHistory. */
  MerchantProfiles: { partitionKey: S('MerchantID') },
  /** What each user did, in time order, with the label once it is known. */
  TransactionHistory: {
    partitionKey: S('UserID'),
    sortKey: S('TimeTransactionID'),
    stream: 'NEW_AND_OLD_IMAGES',
  },
  /** The case (Entry = `case`) and its timeline (Entry = `event#<seq>`) and attestations (Entry = `attestation#<id>`). */
  Investigations: {
    partitionKey: S('TransactionID'),
    sortKey: S('Entry'),
    indexes: {
      ByStatus: { partitionKey: S('CaseStatus'), sortKey: S('OpenedAtID'), projection: 'ALL' },
      ByAssignee: { partitionKey: S('Assignee'), sortKey: S('OpenedAtID'), projection: 'ALL' },
    },
  },
  /** Rule sets, challengers and the live model by version; Version 0 points at the current one. */
  Rules: { partitionKey: S('RuleSetID'), sortKey: N('Version') },
  /** Of a game: its board (Entry = `board`), seasons (`season#<n>`), what a season's last writes are checked against (`fence#<n>#<i>`), bans (`ban#<player>`). All boards by GameID = `#boards`. */
  Boards: { partitionKey: S('GameID'), sortKey: S('Entry') },
  /** A player's score in a season; its stream feeds the ranks. */
  Leaderboard: { partitionKey: S('BoardSeason'), sortKey: S('PlayerID'), stream: 'NEW_AND_OLD_IMAGES' },
  /** Rankings: what is current (Entry = `head`), changes while one is checked (`log#…`), and their nodes, 16 partitions a ranking (`node#<id>`). */
  LeaderboardRanks: { partitionKey: S('Ranking'), sortKey: S('Entry') },
  /** Of a season: final standings by the page (Entry = `page#<n>`) and what was granted to whom (`reward#<player>`). */
  LeaderboardStandings: { partitionKey: S('GameSeason'), sortKey: S('Entry') },
  /** The start ledger: work that a write made necessary and that has not been handed to Temporal yet. */
  Starts: { partitionKey: S('Shard'), sortKey: S('DueAtID') },
  /** Positions of stream consumers. */
  Checkpoints: { partitionKey: S('SourceShard') },
  /** Records that could not be processed, with the reason. */
  DeadLetters: { partitionKey: S('Source'), sortKey: S('PositionID') },
  /** What a challenger (by its version) would have decided otherwise (Entry = time and id), and each process's counts (Entry = `counts#<process>`). */
  ShadowDecisions: { partitionKey: S('Challenger'), sortKey: S('Entry'), ttl: 'ExpiresAt' },
  /** How features and scores lay, by model, day and process. */
  FeatureCounts: { partitionKey: S('ModelVersion'), sortKey: S('DayProcess'), ttl: 'ExpiresAt' },
  /**
   * Sessions by the hash of their id: the head (Part = `session`) and, where it has no room for it, the data (Part = `data`);
   * a user's list (SessionKey = `user#<UserID>`, Part = `sign-in#<Handle>`). Expiry holds heads alone.
   */
  Sessions: {
    partitionKey: S('SessionKey'),
    sortKey: S('Part'),
    indexes: { Expiry: { partitionKey: S('ExpiryBucket'), sortKey: N('CheckAt'), projection: 'KEYS_ONLY' } },
    ttl: 'RemoveAt',
  },
  /** What was sent to whom, by which channel, with what result. */
  Notifications: { partitionKey: S('Recipient'), sortKey: S('TimeID') },
  /** A user's cart with its lines (Entry = `cart`) and wishes about reminders (Entry = `preferences`). */
  ShoppingCart: { partitionKey: S('UserID'), sortKey: S('Entry') },
  /** How many carts were opened, reminded, …; spread over shards. */
  CartCounts: { partitionKey: S('Shard') },
  /** A product with its stock (Entry = `product`), and which adjustments of it were made (Entry = `adjustment#<key>`). */
  Products: { partitionKey: S('ProductID'), sortKey: S('Entry'), ttl: 'ExpiresAt' },
  /** A checkout (Entry = `checkout`) and payments that came for it and must be given back (Entry = `refund#<reference>`). */
  Checkouts: {
    partitionKey: S('CheckoutID'),
    sortKey: S('Entry'),
    indexes: { ByRefund: { partitionKey: S('RefundStatus'), sortKey: S('RecordedAtID'), projection: 'ALL' } },
    ttl: 'ExpiresAt',
  },
  /** What a user bought, in time order. */
  Orders: { partitionKey: S('UserID'), sortKey: S('TimeOrderID') },
  /** Whoever posts, follows and reads: name, counts, how their posts are spread, and the state of their feed. */
  Users: { partitionKey: S('UserID') },
  /** Who follows a user, in the order of a hash, so that ranges of it are of one size. */
  Followers: { partitionKey: S('UserID'), sortKey: S('BucketFollowerID') },
  /** Whom a user follows (Entry = `follows#<author>`), and whose posts their feed reads at read time (Entry = `pulls#<author>`). */
  Following: { partitionKey: S('UserID'), sortKey: S('Entry') },
  /** Whom a user has blocked. */
  Blocks: { partitionKey: S('UserID'), sortKey: S('BlockedID') },
  /** Posts; a deleted one stays as a tombstone, so that a late repetition does not revive it. */
  Posts: { partitionKey: S('PostID') },
  /** What each author posted, in time order. */
  AuthorPosts: { partitionKey: S('UserID'), sortKey: S('TimePostID') },
  /** What was written into each reader's feed: references, in time order. */
  Feed: { partitionKey: S('UserID'), sortKey: S('TimePostID') },

  /** Readings, by device and UTC day (`device#2026-01-31`), in time order (`time#id`). */
  DeviceData: { partitionKey: S('DeviceDay'), sortKey: S('TimestampSeq'), stream: 'NEW_AND_OLD_IMAGES' },
  /** Which devices have a day (`device#id`), which of them late (`late#id`), and how often it was archived (`#fence`); by day and hash of the device. */
  DeviceDays: { partitionKey: S('DayBucket'), sortKey: S('Entry') },
  /** Rollups of a device, by resolution and stretch of time, kept by the stream of DeviceData. */
  DeviceRollups: { partitionKey: S('Series'), sortKey: S('Bucket') },
  /** A device (Entry = `device`), its newest reading (`latest`), where its alerts stand (`alert#id`). */
  Devices: { partitionKey: S('DeviceID'), sortKey: S('Entry') },
  /** By when a device must have reported, or its silence is an alert; by hash of the device. */
  DeviceDeadlines: { partitionKey: S('Bucket'), sortKey: S('DueAtID') },
  /** Archived days. */
  Archives: { partitionKey: S('Archive'), sortKey: S('Day') },
} as const satisfies Record<string, TableSpec>;

export type TableName = keyof typeof tables;

/** The physical name of a table under a prefix, e.g. `longwatch-Decisions`. */
export function physicalName(prefix: string, table: TableName): string {
  return `${prefix}${table}`;
}

/** The name without the prefix; of a table of somebody else's the name as it is. */
export function logicalName(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
