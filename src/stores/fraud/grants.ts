import type { CapabilityGrants } from '../grants';

/** The DynamoDB actions that fraud's code uses. */
export const fraudGrants = {
  everywhere: {
    Rules: 'GetItem PutItem UpdateItem',
    ShadowDecisions: 'BatchWriteItem PutItem',
    FeatureCounts: 'BatchWriteItem',
  },
  routes: {
    Decisions: 'BatchGetItem GetItem PutItem',
    FeatureCounts: 'Query',
    Investigations: 'ConditionCheckItem GetItem PutItem Query UpdateItem',
    'Investigations/ByAssignee': 'Query',
    'Investigations/ByStatus': 'Query',
    MerchantProfiles: 'BatchGetItem',
    ShadowDecisions: 'Query',
    TransactionHistory: 'GetItem PutItem UpdateItem',
    UserProfiles: 'BatchGetItem GetItem UpdateItem',
  },
  activities: {
    Decisions: 'BatchGetItem GetItem UpdateItem',
    FeatureCounts: 'Query',
    Investigations: 'GetItem PutItem Query UpdateItem',
    'Investigations/ByStatus': 'Query',
    MerchantProfiles: 'BatchGetItem',
    TransactionHistory: 'GetItem UpdateItem',
    UserProfiles: 'BatchGetItem UpdateItem',
  },
  functions: {
    /** Decides the transactions of the Kinesis stream. */
    transactions: {
      Decisions: 'BatchGetItem PutItem',
      UserProfiles: 'BatchGetItem UpdateItem',
      MerchantProfiles: 'BatchGetItem',
      TransactionHistory: 'PutItem',
      Investigations: 'PutItem',
      Starts: 'PutItem',
    },
    /** Updates the merchants' counters from the stream of TransactionHistory. */
    merchants: {
      MerchantProfiles: 'BatchGetItem PutItem',
    },
  },
} as const satisfies CapabilityGrants;
