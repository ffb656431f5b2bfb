import type { CapabilityGrants } from '../grants';

export const fraudGrants = {
  everywhere: {
    Rules: 'GetItem PutItem UpdateItem',
    ShadowDecisions: 'BatchWriteItem PutItem',
    FeatureCounts: 'BatchWriteItem',
  },
  routes: {
    Decisions: 'BatchGetItem GetItem PutItem',
    FeatureCounts: 'Query',
    Investigations: 'ConditionCheckItem GetItem PutItem Query',
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
    /** Kinesis: transactions to decide. */
    transactions: {
      Decisions: 'BatchGetItem PutItem',
      UserProfiles: 'BatchGetItem UpdateItem',
      MerchantProfiles: 'BatchGetItem',
      TransactionHistory: 'PutItem',
      Investigations: 'PutItem',
      Starts: 'PutItem',
    },
    /** The stream of TransactionHistory: merchants' counters. */
    merchants: {
      MerchantProfiles: 'BatchGetItem PutItem',
    },
  },
} as const satisfies CapabilityGrants;
