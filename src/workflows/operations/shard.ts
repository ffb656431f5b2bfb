import {
  ActivityCancellationType,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { OperationsActivities } from '../../activities/operations/types';
import type { ShardInput } from './declarations';

// An hour a piece, heartbeating: the workflow is the lease, and a worker's death is noticed within half a minute.
const { consumeShard } = proxyActivities<OperationsActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 s' },
});

/** Reads one shard to its end. */
export async function shard(input: ShardInput): Promise<void> {
  let records = 0;
  while (!workflowInfo().continueAsNewSuggested) {
    const report = await consumeShard(input.stream, input.shardId);
    records += report.records;
    setCurrentDetails(
      `**${records}** records in this run, at \`${report.position ?? 'the beginning'}\`, ` +
        `**${(report.millisBehindLatest / 1000).toFixed(1)} s** behind${report.ended ? '; the shard has ended' : ''}.`,
    );
    if (report.ended) return;
  }
  await continueAsNew<typeof shard>(input);
}
