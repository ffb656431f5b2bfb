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

const BUSY_MS = 15_000;

/** Erases all that there is of a device, and looks whether it is gone: again until nothing is left. */
export async function eraseDevice({ deviceId, waitMs }: EraseInput): Promise<EraseReport> {
  showDetails(`Waiting until no process takes readings of **${deviceId}** any more.`);
  await sleep(waitMs);
  let rewritten = 0;
  for (let round = 1; ; round++) {
    const mark = `${workflowInfo().runId}-${round}`;
    const days = await daysOfDevice(deviceId);
    rewritten += await eraseFromAll(days, deviceId, mark);
    showDetails(`Waiting until the reader of the stream has passed what **${deviceId}** sent.`);
    await awaitMarks(deviceId, days, mark);
    await eraseRest(deviceId, days, mark);
    const left = await finishErasure(deviceId);
    if (left.length === 0) {
      showDetails(
        `**${deviceId}** is erased: ${days.length} day(s) looked through, ${rewritten} file(s) written anew. Verified.`,
      );
      return { days: days.length, rewritten };
    }
    showDetails(`Of **${deviceId}** there is still: ${left.join(', ')}.`);
    await sleep(BUSY_MS);
  }
}

/**
 * Day by day. A day of which a step is refused for good is taken anew after a growing pause, when all others are done.
 * Between
 * two attempts no workflow of the day runs, so that the archive and other erasures have their turn.
 * @returns how many files were written anew.
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
    `> **Erasing was refused at ${iso(Date.now())} from ${each}.** It is tried anew at ` +
    `${iso(Date.now() + pauseMs)}; all other days are done.`
  );
}

/** In turn with whatever else works on the day. @returns why, where a step is refused for good. */
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
      // Somebody terminated the child, or something else works on the day.
      if (!wasStoppedFromOutside(error) && !(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(BUSY_MS);
    }
  }
}

/** A run that held at a refusal under an earlier release has timers of that in its history. */
const mayHold = (): boolean => !patched('a-refused-day-fails');

/**
 * Erases a device's rows of one day, in the table first: a part that is written meanwhile would fail its comparison.
 * Its id is the
 * lease of the day, so it does not hold at a step that is refused, but fails: whoever asked tries again later.
 */
export async function eraseDay({ day, deviceId, mark }: EraseDayInput): Promise<number> {
  await heldStep('eraseRows', () => eraseRows(day, deviceId, mark), mayHold);
  return (await heldStep('rewriteDay', () => rewriteDay(day, deviceId), mayHold)).rewritten;
}
