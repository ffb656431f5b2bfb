import { proxyActivities, sleep, upsertSearchAttributes } from '@temporalio/workflow';
import type { CartActivities } from '../../activities/carts/types';
import { iso } from '../../domain/ids';
import { showDetails } from '../cancellation';
import { searchAttributePairs } from '../../domain/platform/searchAttributes';
import type { CheckoutInput, CheckoutResult } from '../../domain/carts/workflows';

// Retried for as long as it takes: stock is right without it, but people look at what is written.
const { settleCheckout } = proxyActivities<CartActivities>({
  startToCloseTimeout: '10 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** A checkout's hold until its end. Confirmed or cancelled meanwhile, it is found so; otherwise it expires. */
export async function checkout({ checkoutId, holdUntil }: CheckoutInput): Promise<CheckoutResult> {
  showDetails(
    `Held until ${iso(holdUntil)}. Confirming or cancelling is written in the table; this looks when the hold is over.`,
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
