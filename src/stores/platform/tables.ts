import { stringKey, type Tables } from '../tableSpec';

/** The tables that all capabilities share. */
export const platformTables = {
  /**
   * The transactional outbox: actions that a write made necessary and that are not dispatched yet, mostly workflows to
   * start.
   */
  Starts: { partitionKey: stringKey('Shard'), sortKey: stringKey('DueAtID') },
  /** Checkpoints of stream consumers, and the last reports of the reconciler. */
  Checkpoints: { partitionKey: stringKey('SourceShard') },
  /** Records that could not be processed, with the reason. */
  DeadLetters: { partitionKey: stringKey('Source'), sortKey: stringKey('PositionID') },
  /** Messages to users and teams, with the result of each channel. */
  Notifications: { partitionKey: stringKey('Recipient'), sortKey: stringKey('TimeID') },
} as const satisfies Tables;
