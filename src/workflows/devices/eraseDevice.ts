import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, patched, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import type { Day } from '../../domain/devices/days';
import { iso } from '../../domain/ids';
import { noteOnPage, showDetails, wasStoppedFromOutside } from '../cancellation';
import { heldStep, longerPause, PAUSE_MS, refusalIn } from '../refusals';
import {
  archiveWorkflowId,
  ERASE_DAY_TYPE,
  type EraseDayInput,
  type EraseInput,
  type EraseReport,
} from '../../domain/devices/workflows';

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

/** Pause while another workflow uses a day. */
const BUSY_MS = 15_000;

/** Erases all data of a device, and then verifies that nothing is left; otherwise it starts another round. */
export async function eraseDevice({ deviceId, waitMs }: EraseInput): Promise<EraseReport> {
  showDetails(`Waiting until no process accepts readings of **${deviceId}**.`);
  await sleep(waitMs);
  let rewritten = 0;
  for (let round = 1; ; round++) {
    const mark = `${workflowInfo().runId}-${round}`;
    const days = await daysOfDevice(deviceId);
    rewritten += await eraseFromAll(days, deviceId, mark);
    showDetails(`Waiting until the stream reader has passed the readings of **${deviceId}**.`);
    await awaitMarks(deviceId, days, mark);
    await eraseRest(deviceId, days, mark);
    const left = await finishErasure(deviceId);
    if (left.length === 0) {
      showDetails(
        `**${deviceId}** is erased: ${days.length} day(s) searched, ${rewritten} file(s) rewritten. Verified.`,
      );
      return { days: days.length, rewritten };
    }
    showDetails(`Data of **${deviceId}** is left: ${left.join(', ')}.`);
    await sleep(BUSY_MS);
  }
}

/**
 * Erases day by day. A day with a permanently refused step is retried after a growing pause, when all other days are
 * done. During the pause no workflow occupies the day, so archiving and other erasures can use it.
 * @returns the number of rewritten files.
 */
async function eraseFromAll(days: readonly Day[], deviceId: string, mark: string): Promise<number> {
  let rewritten = 0;
  for (let left = days, pauseMs = PAUSE_MS; ; pauseMs = longerPause(pauseMs)) {
    const refused: { day: Day; reason: string }[] = [];
    for (const day of left) {
      showDetails(`Erasing **${deviceId}** from ${day}, ${days.length} day(s) in all.`);
      const erased = await eraseFrom(day, deviceId, mark);
      if ('reason' in erased) refused.push({ day, reason: erased.reason });
      else rewritten += erased.rewritten;
    }
    noteOnPage(ERASE_DAY_TYPE, refused.length === 0 ? undefined : heldNote(refused, pauseMs));
    if (refused.length === 0) return rewritten;
    await sleep(pauseMs, { summary: `erasing from ${refused.length} day(s) was refused` });
    left = refused.map(({ day }) => day);
  }
}

function heldNote(refused: readonly { day: Day; reason: string }[], pauseMs: number): string {
  const each = refused.map(({ day, reason }) => `${day} (${reason})`).join('; ');
  return (
    `> **Erasing was refused at ${iso(Date.now())} from ${each}.** It is retried at ` +
    `${iso(Date.now() + pauseMs)}; all other days are done.`
  );
}

/** Waits until no other workflow uses the day, then erases. @returns the reason if a step is refused permanently. */
async function eraseFrom(
  day: Day,
  deviceId: string,
  mark: string,
): Promise<{ rewritten: number } | { reason: string }> {
  for (;;) {
    try {
      return {
        rewritten: await executeChild(eraseDay, {
          workflowId: archiveWorkflowId(day),
          args: [{ day, deviceId, mark }],
          staticSummary: `Erases ${deviceId} from ${day}`,
        }),
      };
    } catch (error) {
      const reason = refusalIn(error);
      if (reason !== undefined) return { reason };
      // Somebody terminated the child, or another workflow uses the day.
      if (!wasStoppedFromOutside(error) && !(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(BUSY_MS);
    }
  }
}

/** Returns whether the history was recorded by an earlier release, which waits at a refused step with timers. */
const mayHold = (): boolean => !patched('a-refused-day-fails');

/**
 * Erases a device's data of one day, first from the table: a file written from it meanwhile would fail its comparison.
 * The workflow id locks the day. So a refused step fails this workflow instead of holding it, and the parent retries.
 */
export async function eraseDay({ day, deviceId, mark }: EraseDayInput): Promise<number> {
  await heldStep('eraseRows', () => eraseRows(day, deviceId, mark), mayHold);
  return (await heldStep('rewriteDay', () => rewriteDay(day, deviceId), mayHold)).rewritten;
}
