import { numberKey, stringKey, type Tables } from '../tables';

/** The tables of fraud decisions and investigations. */
export const fraudTables = {
  /**
   * A decision a transaction: what was asked (hash), what was answered (byte for byte), the facts to score it again.
   */
  Decisions: { partitionKey: stringKey('TransactionID') },
  /** Bounded behaviour of a user; `Version` guards every write. */
  UserProfiles: { partitionKey: stringKey('UserID') },
  /** Bounded counters of a merchant, kept by the stream of TransactionHistory. */
  MerchantProfiles: { partitionKey: stringKey('MerchantID') },
  /** What each user did, in time order, with the label once it is known. */
  TransactionHistory: {
    partitionKey: stringKey('UserID'),
    sortKey: stringKey('TimeTransactionID'),
    stream: 'NEW_AND_OLD_IMAGES',
  },
  /**
   * The case (Entry = `case`) and its timeline (Entry = `event#<seq>`) and attestations (Entry = `attestation#<id>`).
   */
  Investigations: {
    partitionKey: stringKey('TransactionID'),
    sortKey: stringKey('Entry'),
    indexes: {
      ByStatus: { partitionKey: stringKey('CaseStatus'), sortKey: stringKey('OpenedAtID'), projection: 'ALL' },
      ByAssignee: { partitionKey: stringKey('Assignee'), sortKey: stringKey('OpenedAtID'), projection: 'ALL' },
    },
  },
  /** Rule sets, challengers and the live model by version; Version 0 points at the current one. */
  Rules: { partitionKey: stringKey('RuleSetID'), sortKey: numberKey('Version') },
  /**
   * What a challenger (by its version) would have decided otherwise (Entry = time and id), and each process's counts
   * (Entry = `counts#<process>`).
   */
  ShadowDecisions: { partitionKey: stringKey('Challenger'), sortKey: stringKey('Entry'), ttl: 'ExpiresAt' },
  /** How features and scores lay, by model, day and process. */
  FeatureCounts: { partitionKey: stringKey('ModelVersion'), sortKey: stringKey('DayProcess'), ttl: 'ExpiresAt' },
} as const satisfies Tables;
