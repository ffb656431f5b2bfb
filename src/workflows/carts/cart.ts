import { continueAsNew, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { CartActivities } from '../../activities/carts/types';
import { showDetails } from '../cancellation';
import type { CartInput, CartResult } from '../../domain/carts/workflows';

// One activity reads, reminds and writes: three of them would be three billable actions. Retried for as long as it
// takes, because a channel or the database may be away for hours and nobody waits.
const { lookAtCart } = proxyActivities<CartActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '2 s', backoffCoefficient: 2, maximumInterval: '15 minutes' },
});

/**
 * A cart from its first line to its end: reminded while nobody touches it, abandoned at last. What is due is decided by
 * the domain (`nextStep`) on what the cart says when this wakes; nobody signals it, so however often a cart is changed
 * costs nothing here.
 */
export async function cart({ userId, cartNumber }: CartInput): Promise<CartResult> {
  while (!workflowInfo().continueAsNewSuggested) {
    const { until = 0, next = '', ended, page } = await lookAtCart(userId, cartNumber, Date.now());
    showDetails(page);
    if (ended !== undefined) return { how: ended };
    await sleep(Math.max(1, until - Date.now()), { summary: next });
  }
  return continueAsNew<typeof cart>({ userId, cartNumber });
}
