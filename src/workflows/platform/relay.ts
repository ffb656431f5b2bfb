import { ActivityCancellationType, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { RelayReport } from '../../domain/platform/outbox';
import type { PlatformActivities } from '../../activities/platform/types';
import { showDetails } from '../cancellation';

// One activity runs for an hour, because a timer and an activity every few seconds would cost more actions. Retried
// without limit, because nothing else dispatches these entries. The heartbeat reveals a failed worker within half a
// minute.
const { payDebts } = proxyActivities<PlatformActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
});

/** Dispatches outbox entries that the process which recorded them has not dispatched. It never ends. */
export async function relay(): Promise<void> {
  const sums: Record<string, number> = {};
  while (!workflowInfo().continueAsNewSuggested) {
    const counts = Object.entries(sums).map(([kind, count]) => `**${count}** of kind ${kind}`);
    showDetails(`Outbox entries dispatched in this run: ${counts.join(', ') || 'none yet'}.`);
    // An attempt by a worker of the previous release reports other counts.
    const { dispatched = {} } = (await payDebts()) as Partial<RelayReport>;
    for (const [kind, count] of Object.entries(dispatched)) sums[kind] = (sums[kind] ?? 0) + count;
  }
  await continueAsNew<typeof relay>();
}
