import type { CapabilityGrants } from '../grants';

/** The DynamoDB actions that the sessions' code uses. */
export const sessionGrants = {
  metrics: {
    'Sessions/Expiry': 'Query',
  },
  routes: {
    Sessions: 'BatchGetItem DeleteItem GetItem PutItem Query UpdateItem',
  },
  activities: {
    Sessions: 'BatchGetItem DeleteItem UpdateItem',
    'Sessions/Expiry': 'Query',
  },
} as const satisfies CapabilityGrants;
