import { DEVICES_QUEUE, SILENCE_ID, SILENCE_TYPE } from '../../domain/devices/workflows';
import { AlertRules } from '../../operations/devices/alertRules';
import { AlertStarts } from '../../operations/devices/alertStarts';
import { SilenceWatch } from '../../operations/devices/silenceWatch';
import type { StandingWorkflow } from '../capability';
import type { DeviceServices, DeviceStores } from './stores';

/** Builds the alerts on readings, which the stream reader raises, and the silence alerts. */
export function buildAlerts(
  { config, db, outbox, onFault, onSkipped }: DeviceServices,
  { devices, live }: DeviceStores,
): { rules: AlertRules; alerts: AlertStarts; silenceWatch: SilenceWatch } {
  const rules = new AlertRules(devices, config.LONGWATCH_DEVICE_CACHE_MS);
  const alerts = new AlertStarts(outbox);
  const silenceWatch = new SilenceWatch({ db, live, rules, alerts, onFault, onSkipped: onSkipped('deadline') });
  return { rules, alerts, silenceWatch };
}

/** The workflow that runs the silence watch. */
export const silenceWatchWorkflow: StandingWorkflow = {
  type: SILENCE_TYPE,
  workflowId: SILENCE_ID,
  taskQueue: DEVICES_QUEUE,
  args: [],
  staticSummary: 'Alerts when a device stops reporting',
};
