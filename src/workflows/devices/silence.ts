import { ActivityCancellationType, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import { showDetails } from '../cancellation';

// One activity serves all devices for an hour, to save actions. Retried without limit: only it finds silent devices.
const { watchSilence } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
});

/** Raises the silence alerts of devices that have stopped reporting. It never ends. */
export async function silence(): Promise<void> {
  let raised = 0;
  while (!workflowInfo().continueAsNewSuggested) {
    showDetails(`Silence alerts raised in this run: **${raised}**.`);
    raised += await watchSilence();
  }
  await continueAsNew<typeof silence>();
}
