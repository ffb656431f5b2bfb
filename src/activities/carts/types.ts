import type { Closing } from '../../domain/carts/cart';
import type { CheckoutResult } from '../../domain/carts/workflows';

/** The activities of the carts' workflows. Each attempt may be repeated. */
export interface CartActivities {
  /** Takes the due step of a cart at `now` (epoch ms). @returns how it ended, or when the next step is due. */
  lookAtCart(
    userId: string,
    cartNumber: number,
    now: number,
  ): Promise<{ until?: number; next?: string; ended?: Closing; page: string }>;
  /** Expires a checkout whose hold has ended by `now` (epoch ms), or completes an unfinished change of its status. */
  settleCheckout(
    checkoutId: string,
    now: number,
  ): Promise<{ until?: number; ended?: CheckoutResult['status']; page: string }>;
}
