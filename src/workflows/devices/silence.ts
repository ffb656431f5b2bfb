import { ActivityCancellationType, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import { showDetails } from '../cancellation';

// Long on purpose: one activity an hour for all devices there are. Retried for ever, since nobody else looks.
const { watchSilence } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
});

/** Finds devices that ought to have reported and have not. */
export async function silence(): Promise<void> {
  let raised = 0;
  while (!workflowInfo().continueAsNewSuggested) {
    showDetails(`Alerts of silence raised in this run: **${raised}**.`);
    raised += await watchSilence();
  }
  await continueAsNew<typeof silence>();
}
