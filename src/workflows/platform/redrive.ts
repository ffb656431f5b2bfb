import { ActivityCancellationType, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { PlatformActivities } from '../../activities/platform/types';
import { defined } from '../../domain/defined';
import { showDetails } from '../cancellation';
import type { RedriveInput, RedriveReport } from '../../domain/platform/workflows';

// Retried without limit: a retry skips the dead letters that are already processed.
const { redriveLetters } = proxyActivities<PlatformActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** Redrives all dead letters of a stream. */
export async function redrive({
  stream,
  after,
  sofar = { redriven: 0, left: 0 },
}: RedriveInput): Promise<RedriveReport> {
  const total = { ...sofar };
  let at = after;
  while (!workflowInfo().continueAsNewSuggested) {
    const { redriven, left, cursor } = await redriveLetters(stream, at);
    total.redriven += redriven;
    total.left += left;
    showDetails(`**${total.redriven}** processed, **${total.left}** failed again.`);
    if (cursor === undefined) return total;
    at = cursor;
  }
  return continueAsNew<typeof redrive>({ stream, ...defined({ after: at }), sofar: total });
}
