import { type TableName, tables } from '../src/stores/tables';

/** What may be done to a table or to one of its indexes (`Table/Index`); DynamoDB's own names of actions, by blanks. */
export type Grants = Partial<Record<TableName | `${TableName}/${string}`, string>>;

/**
 * Which process does what to which table: the API, the workers, each reader of a stream. Nobody may do anything else.
 * The tests refuse every call that is not listed here (`test/support/leastPrivilege.ts`), so that a new one cannot be
 * forgotten; `LONGWATCH_RECORD_GRANTS=<file>` makes them write down what was used, and `npm run deploy:grants -- <file>`
 * says which grants nobody used.
 */

/** Every process: its rules and what it counts of them, starts that are paid on the spot. */
const everywhere: Grants = {
  Rules: 'GetItem PutItem UpdateItem',
  ShadowDecisions: 'BatchWriteItem PutItem',
  FeatureCounts: 'BatchWriteItem',
  Starts: 'DeleteItem',
};

/** What `/metrics` shows of tables: the ledger's backlog, how late sweepers are, carts. Functions have no metrics. */
const measured: Grants = { CartCounts: 'BatchGetItem', 'Sessions/Expiry': 'Query', Starts: 'Query', Checkpoints: 'GetItem' };

/** Whoever reads a stream. */
const reader: Grants = { Checkpoints: 'GetItem PutItem UpdateItem', DeadLetters: 'PutItem' };

/** What becomes of a stream's records. */
const handlers = {
  /** Kinesis: transactions to decide. */
  transactions: {
    Decisions: 'BatchGetItem PutItem',
    UserProfiles: 'BatchGetItem UpdateItem',
    MerchantProfiles: 'BatchGetItem',
    TransactionHistory: 'PutItem',
    Investigations: 'PutItem',
    Starts: 'PutItem',
  },
  /** Kinesis: readings to store. */
  readings: {
    Devices: 'BatchGetItem',
    DeviceDays: 'ConditionCheckItem GetItem PutItem UpdateItem',
    DeviceData: 'BatchWriteItem PutItem',
    Archives: 'GetItem Query',
  },
  /** The stream of TransactionHistory: merchants' counters. */
  merchants: { MerchantProfiles: 'BatchGetItem PutItem' },
  /** The stream of Leaderboard: ranks. */
  ranks: { LeaderboardRanks: 'BatchGetItem BatchWriteItem PutItem UpdateItem' },
  /** The stream of DeviceData: rollups and alerts. */
  rollups: { DeviceRollups: 'BatchGetItem PutItem', Devices: 'BatchGetItem PutItem', DeviceDeadlines: 'DeleteItem PutItem', Starts: 'PutItem' },
} as const satisfies Record<string, Grants>;

const routes: Grants = {
  Archives: 'GetItem Query',
  AuthorPosts: 'DeleteItem PutItem Query',
  Blocks: 'BatchGetItem ConditionCheckItem DeleteItem PutItem',
  Boards: 'ConditionCheckItem DeleteItem GetItem PutItem Query UpdateItem',
  CartCounts: 'UpdateItem',
  Checkouts: 'GetItem PutItem UpdateItem',
  'Checkouts/ByRefund': 'Query',
  DeadLetters: 'DeleteItem GetItem Query Scan',
  Decisions: 'BatchGetItem GetItem PutItem',
  DeviceData: 'BatchWriteItem PutItem Query',
  DeviceDays: 'ConditionCheckItem GetItem PutItem UpdateItem',
  DeviceRollups: 'Query',
  Devices: 'BatchGetItem GetItem UpdateItem',
  FeatureCounts: 'Query',
  Feed: 'Query',
  Followers: 'BatchGetItem DeleteItem PutItem Query',
  Following: 'DeleteItem PutItem Query',
  Investigations: 'ConditionCheckItem GetItem PutItem Query',
  'Investigations/ByAssignee': 'Query',
  'Investigations/ByStatus': 'Query',
  Leaderboard: 'GetItem UpdateItem',
  LeaderboardRanks: 'BatchGetItem',
  LeaderboardStandings: 'BatchGetItem Query',
  MerchantProfiles: 'BatchGetItem',
  // Writing is for what a session's end tells people of.
  Notifications: 'GetItem PutItem Query UpdateItem',
  Orders: 'PutItem Query',
  Posts: 'BatchGetItem GetItem PutItem UpdateItem',
  Products: 'BatchGetItem PutItem UpdateItem',
  Sessions: 'BatchGetItem DeleteItem GetItem PutItem Query UpdateItem',
  ShadowDecisions: 'Query',
  ShoppingCart: 'GetItem PutItem UpdateItem',
  Starts: 'PutItem',
  TransactionHistory: 'GetItem PutItem UpdateItem',
  UserProfiles: 'BatchGetItem GetItem UpdateItem',
  Users: 'BatchGetItem ConditionCheckItem UpdateItem',
};

const activities: Grants = {
  Archives: 'GetItem PutItem Query UpdateItem',
  AuthorPosts: 'DeleteItem Query',
  Blocks: 'BatchGetItem ConditionCheckItem',
  Boards: 'ConditionCheckItem DeleteItem GetItem Query UpdateItem',
  CartCounts: 'UpdateItem',
  Checkouts: 'GetItem Scan UpdateItem',
  DeadLetters: 'BatchWriteItem DeleteItem Query',
  Decisions: 'BatchGetItem GetItem UpdateItem',
  DeviceData: 'BatchWriteItem PutItem Query',
  DeviceDays: 'BatchWriteItem DeleteItem PutItem Query UpdateItem',
  DeviceDeadlines: 'DeleteItem PutItem Query',
  DeviceRollups: 'BatchWriteItem DeleteItem PutItem Query',
  Devices: 'BatchGetItem BatchWriteItem GetItem PutItem Query Scan',
  FeatureCounts: 'Query',
  Feed: 'BatchWriteItem DeleteItem Query',
  Followers: 'BatchGetItem ConditionCheckItem DeleteItem PutItem Query',
  Following: 'BatchGetItem DeleteItem PutItem',
  Investigations: 'GetItem PutItem Query UpdateItem',
  'Investigations/ByStatus': 'Query',
  Leaderboard: 'PutItem Query UpdateItem',
  LeaderboardRanks: 'BatchGetItem BatchWriteItem Query UpdateItem',
  LeaderboardStandings: 'BatchGetItem PutItem',
  MerchantProfiles: 'BatchGetItem',
  Notifications: 'GetItem PutItem UpdateItem',
  Posts: 'BatchGetItem GetItem UpdateItem',
  Products: 'BatchGetItem UpdateItem',
  Sessions: 'BatchGetItem DeleteItem UpdateItem',
  'Sessions/Expiry': 'Query',
  ShoppingCart: 'GetItem PutItem Scan UpdateItem',
  Starts: 'BatchWriteItem PutItem Query',
  TransactionHistory: 'GetItem UpdateItem',
  UserProfiles: 'BatchGetItem UpdateItem',
  Users: 'BatchGetItem Scan UpdateItem',
};

export type Handler = keyof typeof handlers;
export type Process = 'api' | 'worker' | 'iot' | Handler;

const ofProcess: Readonly<Record<Process, readonly Grants[]>> = {
  // A dead letter that somebody re-drives is processed here.
  api: [everywhere, measured, routes, ...Object.values(handlers)],
  worker: [everywhere, measured, reader, activities, ...Object.values(handlers)],
  iot: [everywhere, handlers.readings, { DeadLetters: 'BatchWriteItem' }],
  transactions: [everywhere, reader, handlers.transactions],
  readings: [everywhere, reader, handlers.readings],
  merchants: [everywhere, reader, handlers.merchants],
  ranks: [everywhere, reader, handlers.ranks],
  rollups: [everywhere, reader, handlers.rollups],
};

/** A process's grants: `Table` or `Table/Index` → actions, sorted. */
export function grantsOf(process: Process): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, Set<string>>();
  for (const grants of ofProcess[process])
    for (const [where, actions = ''] of Object.entries(grants)) {
      const its = all.get(where) ?? new Set();
      all.set(where, its);
      for (const action of actions.split(' ')) its.add(action);
    }
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([where, actions]) => [where, [...actions].sort()]));
}

/** Tables whose streams are read. */
export const streamTables = (Object.keys(tables) as TableName[]).filter((name) => 'stream' in tables[name]);
