import { type Clock, systemClock } from './clock';
import { withDeadline } from './deadline';

/** The result of a call: its value or its failure, and when the call began (by the clock of the settings). */
export type Outcome<T> = { at: number } & ({ value: T } | { failure: unknown });

/** The settings of {@link sharedCall}. */
export interface SharedCallSettings {
  /**
   * How long callers share one call, in milliseconds from its start. A call that takes longer is shared until it ends.
   */
  forMs: number;
  /** A call that takes longer than this many milliseconds counts as failed. Default: no limit. */
  boundMs?: number;
  /**
   * Maximum wait of a caller, in milliseconds. After that the caller gets the previous outcome. Default: callers wait
   * until the call ends.
   */
  waitMs?: number;
  /** Whether a failed call keeps the last value. Default: the failure replaces the value. */
  keepsValue?: boolean;
  clock?: Clock;
}

/**
 * Shares one call among all callers, so that many callers cost as much as one. With `waitMs`, a slow or unavailable
 * dependency does not delay them.
 * @returns a function that never rejects; it resolves to undefined while there is no outcome yet
 */
export function sharedCall<T>(
  call: () => Promise<T>,
  { forMs, boundMs, waitMs, keepsValue = false, clock = systemClock }: SharedCallSettings,
): () => Promise<Outcome<T> | undefined> {
  let until = Number.NEGATIVE_INFINITY;
  let last: Outcome<T> | undefined;
  let calling: Promise<Outcome<T> | undefined> | undefined;
  const outcomeOf = async (at: number): Promise<Outcome<T>> => {
    try {
      return { at, value: await (boundMs === undefined ? call() : withDeadline(call(), boundMs)) };
    } catch (failure) {
      return { at, failure };
    }
  };
  return async () => {
    const at = clock.now();
    if (!calling && at >= until) {
      until = at + forMs;
      calling = outcomeOf(at).then((outcome) => {
        calling = undefined;
        if ('value' in outcome || !(keepsValue && last)) last = outcome;
        return last;
      });
    }
    if (!calling) return last;
    return waitMs === undefined ? calling : withDeadline(calling, waitMs, () => last);
  };
}

/** Returns the value of an outcome, or undefined if there is none. */
export function valueOf<T>(outcome: Outcome<T> | undefined): T | undefined {
  return outcome && 'value' in outcome ? outcome.value : undefined;
}

/**
 * Returns the value of an outcome.
 * @throws the failure of the call, if it has no value; RangeError if there is no outcome yet
 */
export function mustValueOf<T>(outcome: Outcome<T> | undefined): T {
  if (outcome && 'value' in outcome) return outcome.value;
  throw outcome?.failure ?? new RangeError('The call has no outcome yet');
}
