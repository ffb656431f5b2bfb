import { proxyActivities } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import type { DeviceAlertsInput } from '../../domain/devices/workflows';

// Channels retry within an attempt. A message that all channels refuse permanently is recorded as failed.
const { tellAlerts } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '2 s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
});

/**
 * Sends the messages of raised and cleared alerts, once per channel. After a crash a channel may get a message again,
 * with the same id.
 */
export async function deviceAlerts({ events }: DeviceAlertsInput): Promise<void> {
  await tellAlerts(events);
}
