import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, sleep, workflowInfo } from '@temporalio/workflow';
import { iso } from '../domain/ids';
import { noteOnPage } from './cancellation';
import { lifecycleRule } from './lifecycles';

/** Of what is refused again and again, the first pause and the longest: each is twice the one before. */
export const PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 60 * 60_000;
export const longerPause = (pauseMs: number): number => Math.min(2 * pauseMs, LONGEST_PAUSE_MS);

/**
 * Why an activity, or a child's activity, was refused for good (`refused` in `domain/errors`); undefined for any other
 * failure.
 */
export function refusalIn(error: unknown): string | undefined {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) return refusalIn(error.cause);
  return error instanceof ApplicationFailure && error.type === 'refused' ? error.message : undefined;
}

/**
 * Whether a write failed because another run of this workflow has moved the row on (`superseded` in `domain/errors`).
 */
export function isSuperseded(error: unknown): boolean {
  return (
    error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'superseded'
  );
}

/**
 * Schedules an activity of a lifecycle that must reach its end. Where the activity is refused for good, the lifecycle
 * holds
 * at this step, says so on its page, and takes the step anew after a pause, from the data as it is then. The pauses
 * grow to
 * an hour, so a step that stays refused costs 24 actions a day until people have mended the cause.
 *
 * Adds no command to a history without a refusal. Only for types whose other waits do not depend on the order in which
 * they
 * go on beside an activity: the catch delays what follows an activity by one microtask.
 * @param mayHold asked at a refusal; where it says no, the refusal is thrown.
 */
export async function heldStep<T>(
  activityType: string,
  take: () => Promise<T>,
  mayHold: () => boolean = () => true,
): Promise<T> {
  for (let pauseMs = PAUSE_MS, isHeld = false; ; pauseMs = longerPause(pauseMs)) {
    try {
      const result = await take();
      if (isHeld) noteOnPage(activityType, undefined);
      return result;
    } catch (error) {
      const reason = refusalIn(error);
      if (reason === undefined || !mayHold()) throw error;
      isHeld = true;
      noteOnPage(
        activityType,
        `> **The step \`${activityType}\` was refused at ${iso(Date.now())}: ${reason}.** It is taken anew at ` +
          `${iso(Date.now() + pauseMs)}.`,
      );
      await sleep(pauseMs, { summary: `${activityType} was refused` });
    }
  }
}

/** Whether the running workflow holds where a step of it is refused. */
export const holds = (): boolean => lifecycleRule(workflowInfo().workflowType)?.refused === 'holds';
