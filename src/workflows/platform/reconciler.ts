import { ActivityCancellationType, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { PlatformActivities } from '../../activities/platform/types';
import type { ReconciliationReport, ReconciliationMode } from '../../domain/platform/reconciliation';
import { showDetails } from '../cancellation';
import type { ReconciliationInput } from '../../domain/platform/workflows';

// One activity makes many reconciliations within an hour; an activity for each would cost an action each. Retried
// without limit, because nothing else restarts lost workflows.
const { keepReconciled } = proxyActivities<PlatformActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
});
// Reads whole tables, slowly enough to leave their capacity to requests. A retry continues from the last heartbeat.
const { reconcile } = proxyActivities<PlatformActivities>({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '30 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** Makes a quick reconciliation every few minutes. It never ends. */
export async function reconciler(): Promise<void> {
  let finished = 0;
  const restarted: Record<string, number> = {};
  while (!workflowInfo().continueAsNewSuggested) {
    showDetails(`**${finished}** quick reconciliations in this run. Restarted workflows: ${listed(restarted)}.`);
    const report = await keepReconciled();
    finished += report.looks;
    for (const [type, count] of Object.entries(report.restarted)) restarted[type] = (restarted[type] ?? 0) + count;
  }
  await continueAsNew<typeof reconciler>();
}

/** One reconciliation, started by the schedule or an operator. */
export async function reconciliation({ mode }: ReconciliationInput): Promise<ReconciliationReport> {
  showDetails(what[mode]);
  const found = await reconcile(mode);
  showDetails(
    `**${found.checked}** checked. Restarted: ${listed(found.restarted)}. Terminated: ` +
      `**${found.terminated}**. Left to a later reconciliation: **${found.postponed}**.`,
  );
  return found;
}

const what: Readonly<Record<ReconciliationMode, string>> = {
  quick: 'Checks the workflows that ended badly since the last reconciliation. Pending Activities shows its progress.',
  full: 'Compares every open row with the running workflows. Pending Activities shows its progress.',
};

function listed(restarted: Readonly<Record<string, number>>): string {
  const counts = Object.entries(restarted).map(([type, count]) => `${count} ${type}`);
  return counts.length > 0 ? `**${counts.join(', ')}**` : 'none';
}
