import type { OutboxEntry } from '../../src/domain/platform/outbox';
import { CartCountStore } from '../../src/stores/carts/cartCounts';
import { CartStore } from '../../src/stores/carts/carts';
import { CheckoutStore } from '../../src/stores/carts/checkouts';
import { RefundStore } from '../../src/stores/carts/refunds';
import { ProductStore } from '../../src/stores/carts/products';
import type { Db } from '../../src/stores/dynamodb';
import { Carts } from '../../src/operations/carts/carts';
import { ProductCache } from '../../src/operations/carts/productCache';
import { Checkouts, type CheckoutSettings } from '../../src/operations/carts/checkouts';
import type { TestGraph } from './graph';
import { outboxOf } from './outbox';
import { clockOf } from './clock';

/**
 * Carts and checkouts over one table space, on a clock of the test's; nothing dispatches their outbox entries soon
 * unless the test does.
 */
export function buildShop(
  db: Db,
  now: () => number,
  settings: CheckoutSettings & { productCacheMs?: number },
  dispatchSoon: (entry: OutboxEntry) => void = () => undefined,
) {
  const [store, products, checkoutStore, refunds, outbox] = [
    new CartStore(db),
    new ProductStore(db),
    new CheckoutStore(db),
    new RefundStore(db),
    outboxOf(db, dispatchSoon),
  ];
  const carts = new Carts(
    {
      carts: store,
      counts: new CartCountStore(db),
      productCache: new ProductCache(products, settings.productCacheMs ?? 0),
      outbox,
      db,
      clock: clockOf(now),
    },
    { firstLookAfterMs: 3_600_000 },
  );
  const checkouts = new Checkouts(
    { checkouts: checkoutStore, refunds, products, cartStore: store, carts, outbox, db, clock: clockOf(now) },
    settings,
  );
  return { store, products, checkoutStore, refunds, carts, checkouts };
}

/** The checkouts of a graph, at another time. */
export function checkoutsAt(graph: TestGraph, at: number, holdMs: number): Checkouts {
  return buildShop(graph.dynamodb.db, () => at, { holdMs }).checkouts;
}
