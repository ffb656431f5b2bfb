import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, proxyActivities, sleep } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import type { Day } from '../../domain/devices/days';
import type { CheckedRollups } from '../../domain/devices/rollup';
import { showDetails, wasStoppedFromOutside } from '../cancellation';
import { refusalIn } from '../refusals';
import {
  archiveWorkflowId,
  type DayInput,
  type RollupCheckInput,
  type RollupCheckReport,
} from '../../domain/devices/workflows';

const { daysToCheck } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
const { checkRollups } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** As many as `DEVICE_BUCKETS` of the stores. */
const BUCKETS = 16;
const AT_ONCE = 4;
const BUSY_MS = 15_000;
/** The bucket of a day that goes on changes with every reading; it settles when the day is over. */
const UNSETTLED_MS = 15 * 60_000;

/** Compares the rollups of days with their readings, and puts right what is wrong, until nothing is left to settle. */
export async function rollupCheck({ days }: RollupCheckInput): Promise<RollupCheckReport> {
  const total: RollupCheckReport = { days: 0, devices: 0, replaced: 0 };
  for (const day of days ?? (await daysToCheck())) {
    for (;;) {
      showDetails(`${sentence(total)} Now **${day}**.`);
      const checked = await checkInTurn(day);
      if (checked === 'refused') {
        total.skipped = [...(total.skipped ?? []), day];
        break;
      }
      const { devices, replaced, unsettled, skipped = 0 } = checked;
      total.replaced += replaced;
      if (unsettled === 0) {
        total.devices += devices;
        if (skipped > 0) total.skippedDevices = (total.skippedDevices ?? 0) + skipped;
        break;
      }
      showDetails(
        `${sentence(total)} **${day}** has ${unsettled} rollup(s) that go on changing; they are looked at again.`,
      );
      await sleep(UNSETTLED_MS);
    }
    if (!total.skipped?.includes(day)) total.days++;
  }
  showDetails(sentence(total));
  return total;
}

function sentence({ days, devices, replaced, skipped = [], skippedDevices = 0 }: RollupCheckReport): string {
  const left = [
    ...(skipped.length > 0 ? [`**${skipped.join(', ')}**`] : []),
    ...(skippedDevices > 0 ? [`**${skippedDevices}** device(s), which the log names`] : []),
  ];
  return [
    `**${days}** day(s) checked, of ${devices} devices: **${replaced}** rollup(s) were wrong and are right now.`,
    ...(left.length > 0 ? [`Not checked, because a step was refused: ${left.join('; ')}.`] : []),
  ].join(' ');
}

/** In turn with whatever else works on the day. */
async function checkInTurn(day: Day): Promise<CheckedRollups | 'refused'> {
  for (;;) {
    try {
      return await executeChild(rollupCheckDay, {
        workflowId: archiveWorkflowId(day),
        args: [{ day }],
        staticSummary: `Compares the rollups of ${day} with its readings`,
      });
    } catch (error) {
      // One day that cannot be checked holds back no other.
      if (refusalIn(error) !== undefined) return 'refused';
      // Somebody terminated the child, or something else works on the day.
      if (!wasStoppedFromOutside(error) && !(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(BUSY_MS);
    }
  }
}

/** One look at a day's rollups. */
export async function rollupCheckDay({ day }: DayInput): Promise<CheckedRollups> {
  const total: CheckedRollups = { devices: 0, replaced: 0, unsettled: 0 };
  let next = 0;
  const lane = async () => {
    while (next < BUCKETS) {
      const { devices, replaced, unsettled, skipped = 0 } = await checkRollups(day, next++);
      total.devices += devices;
      total.replaced += replaced;
      total.unsettled += unsettled;
      if (skipped > 0) total.skipped = (total.skipped ?? 0) + skipped;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return total;
}
