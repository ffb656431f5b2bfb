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
import { cartRows, checkoutRows } from '../operations/carts/openRows';
import { CartCountStore } from '../stores/carts/cartCounts';
import { CartStore } from '../stores/carts/carts';
import { CheckoutStore } from '../stores/carts/checkouts';
import { ProductStore } from '../stores/carts/products';
import { CARTS_QUEUE } from '../domain/carts/workflows';
import { noteCarts, noteCheckout } from './cartNotes';
import type { CapabilityInstance, Services } from './capability';

/** Carts, products with their stock, and checkouts. */
export function buildCarts({ config, db, outbox, notifications, metrics, logger, signingSecret, publicUrl, onSkipped, note }: Services): CapabilityInstance {
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
    metrics.carts.counted(counted);
    noteCarts(counted, note);
  };
  metrics.carts.watchTotals(() => counts.totals());

  const carts = new Carts({ carts: store, counts, catalogue, outbox, db, onCounted }, { firstLookAfterMs: policy.reminders[0] ?? policy.abandonAfterMs });
  const checkouts = new Checkouts(
    {
      checkouts: checkoutStore,
      products,
      cartStore: store,
      carts,
      outbox,
      db,
      onCheckout(what) {
        metrics.carts.checkout(what);
        noteCheckout(what, note);
        if (what === 'refund-due') logger.warn('a payment came too late or twice and must be given back: GET /v1/refunds');
      },
    },
    { holdMs: config.LONGWATCH_CHECKOUT_HOLD_MS },
  );
  const care = new CartCare({ carts: store, counts, notifications, unsubscribeLink: (userId, at) => links.link(userId, at), db, onCounted, onSkipped: onSkipped('cart') }, policy);

  return {
    routes: [
      ...cartRoutes({ carts, store, counts, catalogue }),
      ...cartPreferenceRoutes({ store, links }),
      ...checkoutRoutes({ checkouts, store: checkoutStore }),
      ...productRoutes({ products, catalogue }),
    ],
    activities: { [CARTS_QUEUE]: cartActivities({ care, checkouts }) },
    standing: [],
    rows: [cartRows(store), checkoutRows(checkoutStore)],
  };
}
