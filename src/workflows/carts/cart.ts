import { continueAsNew, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { CartActivities } from '../../activities/carts/types';
import { showDetails } from '../cancellation';
import type { CartInput, CartResult } from '../../domain/carts/workflows';

// One activity reads, reminds and writes, because three activities would be three billable actions. It is retried
// without limit: a channel or the database can be unavailable for hours, and no request waits for it.
const { lookAtCart } = proxyActivities<CartActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '2 s', backoffCoefficient: 2, maximumInterval: '15 minutes' },
});

/**
 * The lifecycle of a cart: reminders while the customer does nothing, then abandonment. When the workflow wakes, the
 * domain (`nextStep`) decides the next step from the cart's current state. Requests do not signal the workflow, so
 * changes of a cart cost no actions.
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
