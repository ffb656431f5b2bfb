import type { CapabilityGrants } from '../grants';

/** The DynamoDB actions that the feeds' code uses. */
export const feedGrants = {
  routes: {
    AuthorPosts: 'DeleteItem PutItem Query',
    Blocks: 'BatchGetItem ConditionCheckItem DeleteItem PutItem',
    Feed: 'Query',
    Followers: 'BatchGetItem DeleteItem PutItem Query',
    Following: 'DeleteItem PutItem Query',
    Posts: 'BatchGetItem GetItem PutItem UpdateItem',
    Users: 'BatchGetItem ConditionCheckItem UpdateItem',
  },
  activities: {
    AuthorPosts: 'DeleteItem Query',
    Blocks: 'BatchGetItem ConditionCheckItem',
    Feed: 'BatchWriteItem DeleteItem Query',
    Followers: 'BatchGetItem ConditionCheckItem DeleteItem PutItem Query',
    Following: 'BatchGetItem DeleteItem PutItem',
    Posts: 'BatchGetItem GetItem UpdateItem',
    Users: 'BatchGetItem Scan UpdateItem',
  },
} as const satisfies CapabilityGrants;
