import { numberKey, stringKey, type Tables } from '../tableSpec';

/** The tables of fraud decisions and investigations. */
export const fraudTables = {
  /** One decision per transaction: the hash of the request, the answer byte for byte, and the facts for rescoring. */
  Decisions: { partitionKey: stringKey('TransactionID') },
  /** A summary of a user's behaviour, of bounded size. Every write has `Version` in its condition. */
  UserProfiles: { partitionKey: stringKey('UserID') },
  /** Counters of a merchant, of bounded size, updated from the stream of TransactionHistory. */
  MerchantProfiles: { partitionKey: stringKey('MerchantID') },
  /** The transactions of each user, in time order, with their labels. */
  TransactionHistory: {
    partitionKey: stringKey('UserID'),
    sortKey: stringKey('TimeTransactionID'),
    stream: 'NEW_AND_OLD_IMAGES',
  },
  /**
   * A case (Entry = `case`), its timeline (Entry = `event#<seq>`) and its attestations (Entry = `attestation#<id>`).
   */
  Investigations: {
    partitionKey: stringKey('TransactionID'),
    sortKey: stringKey('Entry'),
    indexes: {
      ByStatus: { partitionKey: stringKey('CaseStatus'), sortKey: stringKey('OpenedAtID'), projection: 'ALL' },
      ByAssignee: { partitionKey: stringKey('Assignee'), sortKey: stringKey('OpenedAtID'), projection: 'ALL' },
    },
  },
  /**
   * The versions of rule sets, challengers and the live model. The item with Version 0 points at the current version.
   */
  Rules: { partitionKey: stringKey('RuleSetID'), sortKey: numberKey('Version') },
  /**
   * By the challenger's version: the payments that it would decide differently (Entry = time and id), and the counts of
   * each process (Entry = `counts#<process>`).
   */
  ShadowDecisions: { partitionKey: stringKey('Challenger'), sortKey: stringKey('Entry'), ttl: 'ExpiresAt' },
  /** The distributions of features and scores, by model, day and process. */
  FeatureCounts: { partitionKey: stringKey('ModelVersion'), sortKey: stringKey('DayProcess'), ttl: 'ExpiresAt' },
} as const satisfies Tables;
