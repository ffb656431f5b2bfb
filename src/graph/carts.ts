import { CARTS_QUEUE, CART_TYPE, CHECKOUT_TYPE } from '../domain/carts/workflows';
import { declareCapability } from './capability';
import type * as built from './carts/build';
import { cartsSettings } from '../config/carts';
import { cartLifecycles } from '../domain/carts/lifecycles';
import { CartMetrics } from '../metrics/carts';
import { cartGrants } from '../stores/carts/grants';
import { cartTables } from '../stores/carts/tables';

/** The capability `carts`: carts, products and checkouts. */
export const carts = declareCapability({
  name: 'carts',
  title: 'Carts',
  tables: cartTables,
  grants: cartGrants,
  queues: { [CARTS_QUEUE]: { concurrentActivities: 50, group: 'requests' } },
  lifecycles: cartLifecycles,
  workflowsPath: () => require.resolve('../workflows/carts'),
  workflowIds: { cart: ['userId', 'cartNumber'], checkout: ['checkoutId'] },
  requestIds: {
    names: ['userId', 'checkoutId', 'productId'],
    collections: { checkouts: 'checkoutId', products: 'productId' },
  },
  settings: cartsSettings,
  metrics: CartMetrics,
  page: {
    lead: { label: 'carts open', of: { label: 'open' } },
    news: { [CART_TYPE]: 'The watch over a cart', [CHECKOUT_TYPE]: 'A checkout' },
    running: { [CHECKOUT_TYPE]: 'checkouts watched' },
    sizes: { Orders: 'orders kept' },
  },
  build: (services, metrics) => (require('./carts/build') as typeof built).buildCarts(services, metrics),
});
