import {
  ActivityCancellationType,
  continueAsNew,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { PlatformActivities } from '../../activities/platform/types';
import { showDetails } from '../cancellation';

// Long on purpose: one activity an hour costs fewer actions than a timer and an activity a few seconds. Retried
// for ever, since there is nobody else to pay; the heartbeat tells within half a minute that a worker died.
const { payDebts } = proxyActivities<PlatformActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
});

/** Pays what is owed and was not paid on the spot: starts, and scores of degraded decisions. */
export async function relay(): Promise<void> {
  const paid = { started: 0, rescored: 0 };
  while (!workflowInfo().continueAsNewSuggested) {
    showDetails(`Paid in this run: **${paid.started}** starts, **${paid.rescored}** re-scores.`);
    const { started, rescored } = await payDebts();
    paid.started += started;
    paid.rescored += rescored;
  }
  await continueAsNew<typeof relay>();
}
