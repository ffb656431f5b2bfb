import { cartActivities } from '../activities/carts';
import { cartPreferenceRoutes } from '../api/carts/cartPreferences';
import { cartRoutes } from '../api/carts/carts';
import { checkoutRoutes } from '../api/carts/checkouts';
import { productRoutes } from '../api/carts/products';
import type { CartCounts } from '../domain/carts/cart';
import type { CartPolicy } from '../domain/carts/ladder';
import { UnsubscribeLinks } from '../gateways/carts/unsubscribeLinks';
import { CartCare } from '../operations/carts/cartCare';
import { Carts } from '../operations/carts/carts';
import { Catalogue } from '../operations/carts/catalogue';
import { Checkouts } from '../operations/carts/checkouts';
import type { Figure } from '../operations/platform/overview/overview';
import { cartRows, checkoutRows } from '../operations/carts/openRows';
import { CartCountStore } from '../stores/carts/cartCounts';
import { CartStore } from '../stores/carts/carts';
import { CheckoutStore } from '../stores/carts/checkouts';
import { ProductStore } from '../stores/carts/products';
import { CARTS_QUEUE, CART_TYPE, CHECKOUT_TYPE } from '../domain/carts/workflows';
import { noteCarts, noteCheckout } from './cartNotes';
import { declareCapability, type CapabilityInstance, type Services } from './capability';
import { cartsSettings } from '../config/carts';
import { cartLifecycles } from '../domain/carts/lifecycles';
import { CartMetrics } from '../metrics/carts';
import { cartGrants } from '../stores/carts/grants';
import { cartTables } from '../stores/carts/tables';

/** Carts, products with their stock, and checkouts. */
function buildCarts(
  {
    config,
    db,
    outbox,
    notifications,
    logger,
    signingSecret,
    publicUrl,
    onSkipped,
    note,
  }: Services<typeof cartsSettings>,
  metrics: CartMetrics,
): CapabilityInstance {
  const policy: CartPolicy = {
    reminders: config.LONGWATCH_CART_REMINDERS,
    abandonAfterMs: config.LONGWATCH_CART_ABANDON_AFTER_MS,
    quietHours: config.LONGWATCH_CART_QUIET_HOURS,
  };
  const store = new CartStore(db);
  const counts = new CartCountStore(db);
  const products = new ProductStore(db);
  const checkoutStore = new CheckoutStore(db);
  const catalogue = new Catalogue(products, config.LONGWATCH_PRODUCT_CACHE_MS);
  const links = new UnsubscribeLinks(signingSecret, publicUrl);
  const onCounted = (counted: CartCounts) => {
    metrics.counted(counted);
    noteCarts(counted, note);
  };
  metrics.watchTotals(() => counts.totals());

  const carts = new Carts(
    { carts: store, counts, catalogue, outbox, db, onCounted },
    { firstLookAfterMs: policy.reminders[0] ?? policy.abandonAfterMs },
  );
  const checkouts = new Checkouts(
    {
      checkouts: checkoutStore,
      products,
      cartStore: store,
      carts,
      outbox,
      db,
      onCheckout(what) {
        metrics.checkout(what);
        noteCheckout(what, note);
        if (what === 'refund-due')
          logger.warn('a payment came too late or twice and must be given back: GET /v1/refunds');
      },
    },
    { holdMs: config.LONGWATCH_CHECKOUT_HOLD_MS },
  );
  const care = new CartCare(
    {
      carts: store,
      counts,
      notifications,
      unsubscribeLink: (userId, at) => links.link(userId, at),
      db,
      onCounted,
      onSkipped: onSkipped('cart'),
    },
    policy,
  );

  return {
    routes: [
      ...cartRoutes({ carts, store, counts, catalogue }),
      ...cartPreferenceRoutes({ store, links }),
      ...checkoutRoutes({ checkouts, store: checkoutStore }),
      ...productRoutes({ products, catalogue }),
    ],
    activities: { [CARTS_QUEUE]: cartActivities({ care, checkouts }) },
    standing: [],
    figures: [{ area: 'carts', forMs: 3_000, figures: () => cartFigures(counts) }],
    rows: [cartRows(store), checkoutRows(checkoutStore)],
  };
}

async function cartFigures(counts: CartCountStore): Promise<Figure[]> {
  const { opened, closed, ordered, reminded, recovered, abandoned } = await counts.totals();
  return Object.entries({ open: opened - closed, ordered, reminded, recovered, abandoned }).map(([label, value]) => ({
    label,
    value,
    scope: 'all',
  }));
}

/** Carts, products and checkouts. */
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
  build: buildCarts,
});
