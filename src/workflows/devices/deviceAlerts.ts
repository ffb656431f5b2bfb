import { proxyActivities } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import type { DeviceAlertsInput } from '../../domain/devices/workflows';

// Channels retry within an attempt already; a message that no channel ever takes is on record as failed.
const { tellAlerts } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '2 s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
});

/** Tells people what became of some alerts: each message once, whatever dies meanwhile. */
export async function deviceAlerts({ events }: DeviceAlertsInput): Promise<void> {
  await tellAlerts(events);
}
