import type { Closing } from '../../domain/carts/cart';
import type { CheckoutResult } from '../../domain/carts/workflows';

/** What the carts' workflows may ask for. Every one may run twice. */
export interface CartActivities {
  /** Does what is due about a cart at `now` (epoch ms), and says when to look again. */
  lookAtCart(
    userId: string,
    cartNumber: number,
    now: number,
  ): Promise<{ until?: number; next?: string; ended?: Closing; page: string }>;
  /** Ends a checkout whose hold is over by `now` (epoch ms), or finishes what is under way. */
  settleCheckout(
    checkoutId: string,
    now: number,
  ): Promise<{ until?: number; ended?: CheckoutResult['status']; page: string }>;
}
