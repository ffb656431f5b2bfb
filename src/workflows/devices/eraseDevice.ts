import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import type { Day } from '../../domain/devices/days';
import { showDetails, wasStoppedFromOutside } from '../cancellation';
import { archiveWorkflowId, type EraseDayInput, type EraseInput, type EraseReport } from './declarations';

const { daysOfDevice, finishErasure } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
const { eraseRows, rewriteDay, awaitMarks, eraseRest } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

const BUSY_MS = 15_000;

/** Erases all that there is of a device, and looks whether it is gone: again until nothing is left. */
export async function eraseDevice({ deviceId, waitMs }: EraseInput): Promise<EraseReport> {
  showDetails(`Waiting until no process takes readings of **${deviceId}** any more.`);
  await sleep(waitMs);
  let rewritten = 0;
  for (let round = 1; ; round++) {
    const mark = `${workflowInfo().runId}-${round}`;
    const days = await daysOfDevice(deviceId);
    for (const day of days) {
      showDetails(`Erasing **${deviceId}** from ${day}, ${days.length} day(s) in all.`);
      rewritten += await eraseFrom(day, deviceId, mark);
    }
    showDetails(`Waiting until the reader of the stream has passed what **${deviceId}** sent.`);
    await awaitMarks(deviceId, days, mark);
    await eraseRest(deviceId, days, mark);
    const left = await finishErasure(deviceId);
    if (left.length === 0) {
      showDetails(`**${deviceId}** is erased: ${days.length} day(s) looked through, ${rewritten} file(s) written anew. Verified.`);
      return { days: days.length, rewritten };
    }
    showDetails(`Of **${deviceId}** there is still: ${left.join(', ')}.`);
    await sleep(BUSY_MS);
  }
}

/** In turn with whatever else works on the day. */
async function eraseFrom(day: Day, deviceId: string, mark: string): Promise<number> {
  for (;;) {
    try {
      return await executeChild(eraseDay, { workflowId: archiveWorkflowId(day), args: [{ day, deviceId, mark }], staticSummary: `Erases ${deviceId} from ${day}` });
    } catch (error) {
      // Somebody terminated the child, or something else works on the day.
      if (!wasStoppedFromOutside(error) && !(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(BUSY_MS);
    }
  }
}

/** Erases a device's rows of one day, in the table first: a part that is written meanwhile would fail its comparison. */
export async function eraseDay({ day, deviceId, mark }: EraseDayInput): Promise<number> {
  await eraseRows(day, deviceId, mark);
  return (await rewriteDay(day, deviceId)).rewritten;
}
