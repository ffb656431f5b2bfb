import { checkoutPage } from '../../domain/carts/pages';
import type { CartCare } from '../../operations/carts/cartCare';
import type { Checkouts } from '../../operations/carts/checkouts';
import { asFailure } from '../failures';
import type { CartActivities } from './types';
import { type Clock, systemClock } from '../../timing/clock';

/** The operations that the activities of carts use. */
export interface CartActivityParts {
  care: Pick<CartCare, 'check'>;
  checkouts: Pick<Checkouts, 'finish'>;
  clock?: Clock;
}

/** Returns the activities of carts. */
export function cartActivities({ care, checkouts, clock = systemClock }: CartActivityParts): CartActivities {
  // An attempt can run long after the workflow scheduled it.
  const latest = (now: number): number => Math.max(now, clock.now());
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
