import { hasEnded } from '../../domain/carts/checkout';
import type { CartStore } from '../../stores/carts/carts';
import type { CheckoutStore } from '../../stores/carts/checkouts';
import {
  CART_TYPE,
  cartOf,
  cartStart,
  cartWorkflowId,
  CHECKOUT_TYPE,
  checkoutOf,
  checkoutStart,
  checkoutWorkflowId,
} from '../../domain/carts/workflows';
import type { ReconciledRows } from '../platform/reconciliation/reconciledRows';

/**
 * Open carts, for the reconciler. It finds them by scanning the table, because an index would cost every shop more than
 * the scans.
 */
export function cartRows(carts: CartStore): ReconciledRows {
  return {
    workflowType: CART_TYPE,
    foundBy: 'pages',
    async open(cursor) {
      const page = await carts.openCarts(cursor);
      return {
        ...page,
        items: page.items.map(({ userId, number, openedAt }) => ({
          workflowId: cartWorkflowId(userId, number),
          since: openedAt,
        })),
      };
    },
    async startOf(workflowId) {
      const of = cartOf(workflowId);
      const cart = of && (await carts.read(of.userId));
      return cart && cart.number === of.cartNumber && cart.status === 'open' ? cartStart(cart, 0) : undefined;
    },
  };
}

/** Checkouts without an end, for the reconciler. They include expired holds whose end is not recorded yet. */
export function checkoutRows(checkouts: CheckoutStore): ReconciledRows {
  return {
    workflowType: CHECKOUT_TYPE,
    foundBy: 'pages',
    async open(cursor) {
      const page = await checkouts.openCheckouts(cursor);
      return {
        ...page,
        items: page.items.map(({ checkoutId, createdAt }) => ({
          workflowId: checkoutWorkflowId(checkoutId),
          since: createdAt,
        })),
      };
    },
    async startOf(workflowId) {
      const checkoutId = checkoutOf(workflowId);
      const checkout = checkoutId === undefined ? undefined : await checkouts.find(checkoutId);
      return checkout && !hasEnded(checkout.status) ? checkoutStart(checkout) : undefined;
    },
  };
}
