import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, sleep, workflowInfo } from '@temporalio/workflow';
import { iso } from '../domain/ids';
import { noteOnPage } from './cancellation';
import { lifecycleRule } from './lifecycles';

/** The first pause after a permanent refusal, in milliseconds. */
export const PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 60 * 60_000;
/** Returns the next pause: twice the previous one, at most an hour. */
export const longerPause = (pauseMs: number): number => Math.min(2 * pauseMs, LONGEST_PAUSE_MS);

/**
 * Returns the reason why an activity, or an activity of a child, was refused permanently (`refused` in
 * `domain/errors`); undefined for any other failure.
 */
export function refusalIn(error: unknown): string | undefined {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) return refusalIn(error.cause);
  return error instanceof ApplicationFailure && error.type === 'refused' ? error.message : undefined;
}

/**
 * Returns whether a write failed because another run of this workflow has changed the row (`superseded` in
 * `domain/errors`).
 */
export function isSuperseded(error: unknown): boolean {
  return (
    error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'superseded'
  );
}

/**
 * Runs an activity of a lifecycle that must reach its end. If the activity is refused permanently, the lifecycle holds
 * at this step: it shows the reason on its page, and retries the step after a pause with the data of that time. The
 * pauses grow to an hour, so a step that stays refused costs 24 actions a day until an operator fixes the cause.
 *
 * It adds no command to a history without a refusal. The `catch` delays the code after an activity by one microtask, so
 * only workflow types may use it whose other waits do not depend on that order.
 * @param mayHold is called at a refusal; if it returns false, the refusal is thrown.
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
        `> **The step \`${activityType}\` was refused at ${iso(Date.now())}: ${reason}.** It is retried at ` +
          `${iso(Date.now() + pauseMs)}.`,
      );
      await sleep(pauseMs, { summary: `${activityType} was refused` });
    }
  }
}

/** Returns whether the running workflow holds at a refused step. */
export const holds = (): boolean => lifecycleRule(workflowInfo().workflowType)?.refused === 'holds';
