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

/** Equals `DEVICE_BUCKETS` of the stores. */
const BUCKETS = 16;
/** Buckets checked in parallel. */
const AT_ONCE = 4;
/** Pause while another workflow uses a day. */
const BUSY_MS = 15_000;
/** The rollups of the current day change with every reading, so they may need another check. */
const UNSETTLED_MS = 15 * 60_000;

/** Compares the rollups of some days with their readings and corrects them, until no rollup needs another check. */
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
        `${sentence(total)} **${day}** has ${unsettled} rollup(s) that still change; they are checked again.`,
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
    `**${days}** day(s) checked, of ${devices} devices: **${replaced}** rollup(s) were wrong and are corrected.`,
    ...(left.length > 0 ? [`Not checked, because a step was refused: ${left.join('; ')}.`] : []),
  ].join(' ');
}

/** Waits until no other workflow uses the day, then checks. */
async function checkInTurn(day: Day): Promise<CheckedRollups | 'refused'> {
  for (;;) {
    try {
      return await executeChild(rollupCheckDay, {
        workflowId: archiveWorkflowId(day),
        args: [{ day }],
        staticSummary: `Compares the rollups of ${day} with its readings`,
      });
    } catch (error) {
      // A day that cannot be checked must not block the other days.
      if (refusalIn(error) !== undefined) return 'refused';
      // Somebody terminated the child, or another workflow uses the day.
      if (!wasStoppedFromOutside(error) && !(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(BUSY_MS);
    }
  }
}

/** Checks the rollups of one day once. */
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
