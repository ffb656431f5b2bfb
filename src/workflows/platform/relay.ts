import { ActivityCancellationType, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { RelayReport } from '../../domain/platform/outbox';
import type { PlatformActivities } from '../../activities/platform/types';
import { showDetails } from '../cancellation';

// Long on purpose: one activity an hour costs fewer actions than a timer and an activity a few seconds. Retried
// for ever, since nothing else dispatches these entries. A worker that dies is noticed within half a minute by its
// heartbeat.
const { payDebts } = proxyActivities<PlatformActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
});

/** Dispatches outbox entries that no process dispatched when it recorded them. */
export async function relay(): Promise<void> {
  const sums: Record<string, number> = {};
  while (!workflowInfo().continueAsNewSuggested) {
    const counts = Object.entries(sums).map(([kind, count]) => `**${count}** of kind ${kind}`);
    showDetails(`Outbox entries dispatched in this run: ${counts.join(', ') || 'none yet'}.`);
    // An attempt of the last release reports other counts.
    const { dispatched = {} } = (await payDebts()) as Partial<RelayReport>;
    for (const [kind, count] of Object.entries(dispatched)) sums[kind] = (sums[kind] ?? 0) + count;
  }
  await continueAsNew<typeof relay>();
}
