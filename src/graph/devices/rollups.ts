import type { Day } from '../../domain/devices/days';
import {
  DEVICE_DATA_STREAM,
  DEVICES_QUEUE,
  ROLLUP_CHECK_ID,
  ROLLUP_CHECK_TYPE,
  rollupCheckId,
  type RollupCheckInput,
} from '../../domain/devices/workflows';
import type { DeviceMetrics } from '../../metrics/devices';
import { readingChanges } from '../../operations/devices/readingChanges';
import type { DeviceReads } from '../../operations/devices/reads';
import { RollupCheck } from '../../operations/devices/rollupCheck';
import { readStream, type StandingWorkflow } from '../capability';
import { tableStream } from '../consumers';
import type { buildAlerts } from './alerts';
import { retentionOf } from './days';
import type { DeviceServices, DeviceStores } from './stores';

/** The parts that {@link buildRollups} needs. */
export interface RollupNeeds {
  stores: DeviceStores;
  reads: DeviceReads;
  alerts: ReturnType<typeof buildAlerts>;
}

/**
 * Builds the rollups. The table's stream updates them, and a check compares them with the readings after a gap in the
 * stream.
 */
export function buildRollups(
  services: DeviceServices,
  metrics: DeviceMetrics,
  { stores, reads, alerts: { rules, alerts } }: RollupNeeds,
) {
  const { config, startOnce, onFault, onSkipped } = services;
  const check = new RollupCheck(
    {
      ...stores,
      reads,
      onReplaced: (count) => metrics.rollupsReplaced(count),
      onSkipped: onSkipped('rollup'),
    },
    { kept: retentionOf(config).rollups, lateWindowMs: config.LONGWATCH_LATE_WINDOW_MS },
  );
  return {
    check,
    /**
     * Starts the check of a day's rollups.
     * @returns the workflow's id
     * @throws LongwatchError `conflict` if the readings or rollups no longer exist, `unavailable`
     */
    async startCheck(day: Day): Promise<string> {
      await check.assertComparable(day);
      const workflow = checkOf(day);
      await startOnce(workflow);
      return workflow.workflowId;
    },
    stream: readStream({
      name: DEVICE_DATA_STREAM,
      summary: 'Updates rollups and alerts from the readings of devices',
      source: tableStream(services, 'DeviceData'),
      handler: readingChanges({ ...stores, rules, alerts }),
      onGap: () => void startOnce(checkOfRecent).catch(onFault),
    }),
  };
}

const checkOf = (day: Day): StandingWorkflow => ({
  type: ROLLUP_CHECK_TYPE,
  workflowId: rollupCheckId(day),
  taskQueue: DEVICES_QUEUE,
  args: [{ days: [day] } satisfies RollupCheckInput],
  staticSummary: `Compares the rollups of ${day} with its readings`,
});

const checkOfRecent: StandingWorkflow = {
  type: ROLLUP_CHECK_TYPE,
  workflowId: ROLLUP_CHECK_ID,
  taskQueue: DEVICES_QUEUE,
  args: [{}],
  staticSummary: 'Corrects rollups after a gap in the stream',
};
