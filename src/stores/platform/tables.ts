import { stringKey, type Tables } from '../tables';

/** The tables of what all capabilities share. */
export const platformTables = {
  /** The start ledger: work that a write made necessary and that has not been handed to Temporal yet. */
  Starts: { partitionKey: stringKey('Shard'), sortKey: stringKey('DueAtID') },
  /** Positions of stream consumers. */
  Checkpoints: { partitionKey: stringKey('SourceShard') },
  /** Records that could not be processed, with the reason. */
  DeadLetters: { partitionKey: stringKey('Source'), sortKey: stringKey('PositionID') },
  /** What was sent to whom, by which channel, with what result. */
  Notifications: { partitionKey: stringKey('Recipient'), sortKey: stringKey('TimeID') },
} as const satisfies Tables;
