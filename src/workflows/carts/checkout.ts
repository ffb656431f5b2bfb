import { proxyActivities, sleep, upsertSearchAttributes } from '@temporalio/workflow';
import type { CartActivities } from '../../activities/carts/types';
import { iso } from '../../domain/ids';
import { showDetails } from '../cancellation';
import { searchAttributePairs } from '../../domain/platform/searchAttributes';
import type { CheckoutInput, CheckoutResult } from '../../domain/carts/workflows';

// Retried without limit. The stock is already correct without this step, but the row must show the final status.
const { settleCheckout } = proxyActivities<CartActivities>({
  startToCloseTimeout: '10 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** The lifecycle of a checkout's hold. At its end the row is confirmed or cancelled, or this workflow expires it. */
export async function checkout({ checkoutId, holdUntil }: CheckoutInput): Promise<CheckoutResult> {
  showDetails(
    `Held until ${iso(holdUntil)}. Requests confirm or cancel it in the table; ` +
      'this workflow reads it when the hold expires.',
  );
  let wakeAt = holdUntil;
  for (;;) {
    await sleep(Math.max(1, wakeAt - Date.now()));
    const { until, ended, page } = await settleCheckout(checkoutId, Date.now());
    showDetails(page);
    if (ended !== undefined) {
      upsertSearchAttributes(searchAttributePairs({ LongwatchStatus: ended }));
      return { status: ended };
    }
    wakeAt = until ?? wakeAt;
  }
}
