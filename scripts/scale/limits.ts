import { HOURS } from '../costs/bill';
import { type Capability, rankUnits, rollupUnits } from '../costs/designs';
import type { Measured } from '../costs/measured';

/** Actions of one user per month, and how unevenly they are distributed. */
export const users = {
  /** Traffic of the busiest hours divided by the average. */
  peak: 3,
  visits: 10,
  views: 20,
  minutes: 10,
  carts: 1,
  cartChanges: 4,
  cartReads: 10,
  orderedShare: 0.3,
  /** Share of the best-selling product in all checkouts. */
  hottestProduct: 0.02,
  scores: 30,
  ranks: 60,
  /** Share of all players who are on the biggest board. */
  biggestBoard: 0.5,
  posts: 3,
  followers: 150,
  follows: 2,
  feedReads: 60,
  /** Share of all new follows that go to the fastest growing author. */
  hottestAuthor: 0.01,
  /** Share of all readers who follow the most followed author. */
  biggestAuthor: 0.3,
  devices: 0.1,
  readings: 1_440,
  batch: 10,
  payments: 10,
  caseShare: 0.002,
} as const;

/** Limits of AWS and Temporal, from their documentation, and of Longwatch, from the code or a benchmark. */
export const ceilings = {
  /** Write and read units per second of a partition (DynamoDB, "Partition throughput"). */
  partitionWrites: 1_000,
  partitionReads: 3_000,
  /** Default quota of an on-demand table in write units per second; AWS raises it on request (DynamoDB quotas). */
  tableWrites: 40_000,
  /**
   * Initial limit of a Temporal Cloud namespace in actions per second. It grows with the use of the last seven days
   * (Temporal Cloud, "System limits").
   */
  actionsASecond: 500,
  /** Maximum number of events in a history (Temporal). */
  historyEvents: 51_200,
  /** Partitions of the outbox: OUTBOX_SHARDS. */
  ledgerPartitions: 16,
  /** Write units of an outbox entry: 2 for its transactional write, 1 for its deletion. */
  ledgerWrites: 3,
  /** Partitions of a rank tree's nodes. */
  rankPartitions: 16,
  /** Partitions of the cart counts; each increment consumes two units. */
  countPartitions: 32,
  /** Default of LONGWATCH_SESSION_BUCKETS. */
  sessionBuckets: 4,
  /** Write units of the expiry index per session: one to open it, two to re-arm its timer, one to end it. */
  sessionIndexWrites: 4,
  /** Sessions per second that one sweeper process ends (npm run bench -- sessions, two shared cores). */
  sweptASecond: 637,
  /** Rows per second that one process writes for large fan-outs: LONGWATCH_FEED_BULK_ROWS_PER_SECOND. */
  rowsASecond: 2_000,
  /** Maximum number of stream shards that a process reads: concurrent activities of the operations queue. */
  shardsOfAProcess: 200,
  /** Maximum size of a day's archive in bytes: 8 lanes of 100 files of 128 MB. */
  archiveBytes: 8 * 100 * 128 * 1024 ** 2,
} as const;

/** The descriptions of {@link users} in docs/scale.md. */
export const assumptions: Readonly<Record<keyof typeof users, string>> = {
  peak: 'traffic of the busiest hours ÷ average',
  visits: 'visits per month',
  views: 'page views per visit',
  minutes: 'minutes per visit',
  carts: 'carts opened per month',
  cartChanges: 'changes per cart',
  cartReads: 'reads per cart',
  orderedShare: 'share of carts that are ordered',
  hottestProduct: 'share of the best-selling product in all checkouts',
  scores: 'submissions per month',
  ranks: 'rank reads per month',
  biggestBoard: 'share of all players who are on the biggest board',
  posts: 'posts per month',
  followers: 'followers per author',
  follows: 'follows and unfollows per month',
  feedReads: 'feed pages read per month',
  hottestAuthor: 'share of one author in all new follows',
  biggestAuthor: 'share of readers who follow the most followed author',
  devices: 'devices',
  readings: 'readings per device and day',
  batch: 'readings per batch',
  payments: 'payments per month',
  caseShare: 'share of payments that become a case',
};

/** A limit of one resource. */
export interface Limit {
  /** The resource. */
  what: string;
  /** In `unit`. */
  ceiling: number;
  unit: string;
  /** Load of one user in the busiest hours, in `unit`. */
  aUser: number;
  /** What to change when the limit is reached. */
  turn: string;
  /** Factor by which the change raises the limit; absent if no change does. */
  gains?: number;
}

/** Returns the number of users at which a limit is reached. */
export const metAt = ({ ceiling, aUser }: Limit): number => ceiling / aUser;

/** Converts a user's actions per month to actions per second in the busiest hours. */
const aSecond = (aMonth: number): number => (aMonth / (HOURS * 3_600)) * users.peak;

/** Returns the limits of each capability, ordered by the number of users that reach them, lowest first. */
export function limitsOf(measured: Measured): Record<Capability, Limit[]> {
  const orders = users.carts * users.orderedShare;
  const readings = users.devices * users.readings * (HOURS / 24);
  const change = rankUnits(1_000_000, 1_000, measured).change.write;
  const { actions, units } = measured;
  const temporal = (aMonth: number): Limit => ({
    what: 'Temporal Cloud namespace',
    ceiling: ceilings.actionsASecond,
    unit: 'actions/s',
    aUser: aSecond(aMonth),
    turn: 'grows with the use of the last seven days; before a launch, ask Temporal',
    gains: 100,
  });
  const ledger = (aMonth: number): Limit => ({
    what: 'outbox',
    ceiling: (ceilings.ledgerPartitions * ceilings.partitionWrites) / ceilings.ledgerWrites,
    unit: 'starts/s',
    aUser: aSecond(aMonth),
    turn: 'a higher OUTBOX_SHARDS in the code',
    gains: 16,
  });
  const table = (name: string, writesAMonth: number): Limit => ({
    what: `table ${name}`,
    ceiling: ceilings.tableWrites,
    unit: 'write units/s',
    aUser: aSecond(writesAMonth),
    turn: 'ask AWS for a higher table quota',
    gains: 100,
  });
  const all: Record<Capability, Limit[]> = {
    sessions: [
      {
        what: 'expiry index',
        ceiling: ceilings.sessionBuckets * ceilings.partitionWrites,
        unit: 'index units/s',
        aUser: aSecond(users.visits * ceilings.sessionIndexWrites),
        turn: 'a higher LONGWATCH_SESSION_BUCKETS, up to 1,000',
        gains: 250,
      },
      {
        what: 'one sweeper process',
        ceiling: ceilings.sweptASecond,
        unit: 'sessions/s',
        aUser: aSecond(users.visits),
        turn: 'more processes on longwatch-sessions, up to one per bucket',
        gains: 250,
      },
      table(
        'Sessions',
        users.visits *
          (units.sessions.open.write +
            units.sessions.rearm.write +
            units.sessions.expire.write +
            3 * units.sessions.touch.write),
      ),
    ],
    carts: [
      {
        what: 'the best-selling product',
        ceiling: ceilings.partitionWrites / 4,
        unit: 'checkouts/s',
        aUser: aSecond(orders * users.hottestProduct),
        turn: 'split the stock over several products, or queue the buyers',
      },
      temporal(orders * (actions.cartOrdered + actions.checkout) + (users.carts - orders) * actions.cartLadder),
      ledger(users.carts + orders),
      {
        what: 'cart counts',
        ceiling: (ceilings.countPartitions * ceilings.partitionWrites) / 2,
        unit: 'counts/s',
        aUser: aSecond(users.carts * 2),
        turn: 'a higher SHARDS of the cart counts in the code',
        gains: 16,
      },
      table('ShoppingCart', users.carts * (users.cartChanges + 6)),
    ],
    leaderboards: [
      {
        what: 'a shard of the biggest board',
        ceiling: ceilings.partitionWrites,
        unit: 'submissions/s',
        aUser: aSecond(users.scores * users.biggestBoard),
        turn: 'more shards for the board, up to 64',
        gains: 64,
      },
      {
        what: 'rank tree nodes of the biggest board',
        ceiling: (ceilings.rankPartitions * ceilings.partitionWrites) / change,
        unit: 'changes/s',
        aUser: aSecond(users.scores * users.biggestBoard),
        turn: 'more shards for the board, up to 64',
        gains: 64,
      },
      {
        what: 'ranking head of the biggest board',
        ceiling: ceilings.partitionReads,
        unit: 'ranks/s',
        aUser: aSecond(users.ranks * users.biggestBoard),
        turn: 'a cache in front; more shards do not help, because a rank reads all heads',
      },
      table('LeaderboardRanks', users.scores * change),
    ],
    feeds: [
      {
        what: 'one fan-out process',
        ceiling: ceilings.rowsASecond,
        unit: 'rows/s',
        aUser: aSecond(users.posts * users.followers),
        turn: 'more processes on longwatch-feeds-bulk, or a higher LONGWATCH_FEED_BULK_ROWS_PER_SECOND',
        gains: 1_000,
      },
      {
        what: 'posts of the most followed author',
        ceiling: ceilings.partitionReads,
        unit: 'reads/s',
        aUser: aSecond(users.feedReads * users.biggestAuthor),
        turn: 'a cache in front, or a higher LONGWATCH_FEED_THRESHOLD',
      },
      {
        what: 'follower count of the fastest growing author',
        ceiling: ceilings.partitionWrites / 2,
        unit: 'follows/s',
        aUser: aSecond(users.follows * users.hottestAuthor),
        turn: 'none: Longwatch retries further follows later',
      },
      temporal(users.posts * actions.fanOut + users.follows * actions.follow),
      ledger(users.posts + users.follows),
      table('Feed', users.posts * users.followers),
    ],
    devices: [
      {
        what: 'stream readers of one process (DeviceData)',
        ceiling: ceilings.shardsOfAProcess * ceilings.partitionWrites,
        unit: 'readings/s',
        aUser: aSecond(readings),
        turn: 'more processes on longwatch-operations',
        gains: 1_000,
      },
      {
        what: 'the archive',
        ceiling: ceilings.archiveBytes,
        unit: 'bytes/day',
        aUser: users.devices * users.readings * measured.bytes.archivedReading,
        turn: 'a higher LONGWATCH_ARCHIVE_FILE_BYTES',
        gains: 8,
      },
      table('DeviceData', readings),
      table('DeviceRollups', (readings / users.batch) * rollupUnits(users.batch, measured).write),
    ],
    fraud: [
      temporal(users.payments * users.caseShare * actions.case),
      ledger(users.payments * users.caseShare),
      table('UserProfiles', users.payments * 2),
      {
        what: 'stream readers of one process (TransactionHistory)',
        ceiling: ceilings.shardsOfAProcess * ceilings.partitionWrites,
        unit: 'payments/s',
        aUser: aSecond(users.payments * 2),
        turn: 'more processes on longwatch-operations',
        gains: 1_000,
      },
    ],
  };
  for (const limits of Object.values(all)) limits.sort((a, b) => metAt(a) - metAt(b));
  return all;
}
