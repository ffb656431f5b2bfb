import { cartActivities } from '../../activities/carts';
import { cartPreferenceRoutes } from '../../api/carts/cartPreferences';
import { cartRoutes } from '../../api/carts/carts';
import { checkoutRoutes } from '../../api/carts/checkouts';
import { unsubscribeRoutes } from '../../api/carts/unsubscribe';
import { productRoutes } from '../../api/carts/products';
import type { CartCounts } from '../../domain/carts/cart';
import type { CartPolicy } from '../../domain/carts/reminderLadder';
import { UnsubscribeLinks } from '../../gateways/carts/unsubscribeLinks';
import { CartCare } from '../../operations/carts/cartCare';
import { Carts } from '../../operations/carts/carts';
import { ProductCache } from '../../operations/carts/productCache';
import { Checkouts } from '../../operations/carts/checkouts';
import type { Figure } from '../../operations/platform/overview/overview';
import { cartRows, checkoutRows } from '../../operations/carts/reconciledRows';
import { CartCountStore } from '../../stores/carts/cartCounts';
import { CartStore } from '../../stores/carts/carts';
import { CheckoutStore } from '../../stores/carts/checkouts';
import { RefundStore } from '../../stores/carts/refunds';
import { ProductStore } from '../../stores/carts/products';
import { CARTS_QUEUE } from '../../domain/carts/workflows';
import { type CheckoutEvent, noteCarts, noteCheckout } from './notes';
import type { CapabilityInstance, Services } from '../capability';
import type { cartsSettings } from '../../config/carts';
import type { CartMetrics } from '../../metrics/carts';
import type { Db } from '../../stores/dynamodb';

type CartServices = Services<typeof cartsSettings>;

/** Builds the capability: carts, products with their stock, and checkouts. */
export function buildCarts(services: CartServices, metrics: CartMetrics): CapabilityInstance {
  const { config, db, signingSecret, publicUrl } = services;
  const stores = openStores(db);
  const productCache = new ProductCache(stores.products, config.LONGWATCH_PRODUCT_CACHE_MS);
  const links = new UnsubscribeLinks(signingSecret, publicUrl);
  const { carts, checkouts, care } = buildOperations(services, metrics, { stores, productCache, links });
  metrics.watchTotals(() => stores.counts.totals());
  return {
    routes: [
      ...cartRoutes({ carts, store: stores.carts, counts: stores.counts, productCache }),
      ...cartPreferenceRoutes({ store: stores.carts }),
      ...unsubscribeRoutes({ store: stores.carts, links }),
      ...checkoutRoutes({ checkouts, store: stores.checkouts, refunds: stores.refunds }),
      ...productRoutes({ products: stores.products, productCache }),
    ],
    activities: { [CARTS_QUEUE]: cartActivities({ care, checkouts }) },
    standing: [],
    figures: [{ area: 'carts', forMs: 3_000, figures: () => cartFigures(stores.counts) }],
    rows: [cartRows(stores.carts), checkoutRows(stores.checkouts)],
  };
}

const openStores = (db: Db) => ({
  carts: new CartStore(db),
  counts: new CartCountStore(db),
  products: new ProductStore(db),
  checkouts: new CheckoutStore(db),
  refunds: new RefundStore(db),
});

/** Builds the operations on carts and checkouts, and the reminders. */
function buildOperations(
  { config, db, outbox, notifications, onSkipped, ...reporting }: CartServices,
  metrics: CartMetrics,
  {
    stores,
    productCache,
    links,
  }: { stores: ReturnType<typeof openStores>; productCache: ProductCache; links: UnsubscribeLinks },
) {
  const policy = cartPolicy(config);
  const onCounted = (counted: CartCounts): void => {
    metrics.counted(counted);
    noteCarts(counted, reporting.note);
  };
  const onCheckout = (what: CheckoutEvent): void => reportCheckout(what, metrics, reporting);
  const { carts: cartStore, counts, products } = stores;
  const carts = new Carts(
    { carts: cartStore, counts, productCache, outbox, db, onCounted },
    { firstLookAfterMs: policy.reminders[0] ?? policy.abandonAfterMs },
  );
  const checkouts = new Checkouts(
    { checkouts: stores.checkouts, refunds: stores.refunds, products, cartStore, carts, outbox, db, onCheckout },
    { holdMs: config.LONGWATCH_CHECKOUT_HOLD_MS },
  );
  const unsubscribeLink = (userId: string, at: number): string => links.link(userId, at);
  const care = new CartCare(
    { carts: cartStore, counts, notifications, unsubscribeLink, db, onCounted, onSkipped: onSkipped('cart') },
    policy,
  );
  return { carts, checkouts, care };
}

const cartPolicy = (config: CartServices['config']): CartPolicy => ({
  reminders: config.LONGWATCH_CART_REMINDERS,
  abandonAfterMs: config.LONGWATCH_CART_ABANDON_AFTER_MS,
  quietHours: config.LONGWATCH_CART_QUIET_HOURS,
});

function reportCheckout(
  what: CheckoutEvent,
  metrics: CartMetrics,
  { note, logger }: Pick<CartServices, 'note' | 'logger'>,
): void {
  metrics.checkout(what);
  noteCheckout(what, note);
  if (what === 'refund-due') logger.warn('a payment arrived too late or twice, so a refund is due: GET /v1/refunds');
}

async function cartFigures(counts: CartCountStore): Promise<Figure[]> {
  const { opened, closed, ordered, reminded, recovered, abandoned } = await counts.totals();
  return Object.entries({ open: opened - closed, ordered, reminded, recovered, abandoned }).map(([label, value]) => ({
    label,
    value,
    scope: 'all',
  }));
}
