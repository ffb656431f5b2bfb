import type { CapabilityGrants } from '../grants';

/** The DynamoDB actions that the platform's code uses. */
export const platformGrants = {
  everywhere: {
    Starts: 'DeleteItem',
  },
  metrics: {
    Starts: 'Query',
    Checkpoints: 'GetItem',
  },
  readers: {
    Checkpoints: 'GetItem PutItem UpdateItem',
    DeadLetters: 'PutItem',
  },
  routes: {
    DeadLetters: 'DeleteItem GetItem Query Scan',
    Notifications: 'GetItem PutItem Query UpdateItem',
    Starts: 'PutItem',
  },
  activities: {
    DeadLetters: 'BatchWriteItem DeleteItem Query',
    Notifications: 'GetItem PutItem UpdateItem',
    Starts: 'BatchWriteItem PutItem Query',
  },
} as const satisfies CapabilityGrants;
