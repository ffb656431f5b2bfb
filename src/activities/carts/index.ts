import { checkoutPage } from '../../domain/carts/letters';
import type { CartCare } from '../../operations/carts/cartCare';
import type { Checkouts } from '../../operations/carts/checkouts';
import { asFailure } from '../failures';
import type { CartActivities } from './types';

/** The operations that the activities of carts use. */
export interface CartActivityParts {
  care: Pick<CartCare, 'check'>;
  checkouts: Pick<Checkouts, 'finish'>;
}

/** Returns the activities of carts. */
export function cartActivities({ care, checkouts }: CartActivityParts): CartActivities {
  return {
    lookAtCart: (userId, cartNumber, now) => asFailure(() => care.check(userId, cartNumber, latest(now))),
    settleCheckout: (checkoutId, now) =>
      asFailure(async () => {
        const checkout = await checkouts.finish(checkoutId, latest(now));
        if (!checkout) return { ended: 'expired' as const, page: 'This checkout does not exist' };
        const { status, holdUntil } = checkout;
        const isOver = status === 'confirmed' || status === 'cancelled' || status === 'expired';
        return { ...(isOver ? { ended: status } : { until: holdUntil }), page: checkoutPage(checkout) };
      }),
  };
}

/** Returns the current time if it is later: an attempt can run long after the workflow scheduled it. */
const latest = (now: number): number => Math.max(now, Date.now());
