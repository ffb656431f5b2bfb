import type { CapabilityGrants } from '../grants';

/** The DynamoDB actions that the carts' code uses. */
export const cartGrants = {
  metrics: {
    CartCounts: 'BatchGetItem',
  },
  routes: {
    CartCounts: 'UpdateItem',
    Checkouts: 'GetItem PutItem UpdateItem',
    'Checkouts/ByRefund': 'Query',
    Orders: 'PutItem Query',
    Products: 'BatchGetItem PutItem UpdateItem',
    ShoppingCart: 'GetItem PutItem UpdateItem',
  },
  activities: {
    CartCounts: 'UpdateItem',
    Checkouts: 'GetItem Scan UpdateItem',
    Products: 'BatchGetItem UpdateItem',
    ShoppingCart: 'GetItem PutItem Scan UpdateItem',
  },
} as const satisfies CapabilityGrants;
