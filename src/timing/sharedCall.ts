import { type Clock, systemClock } from './clock';
import { withDeadline } from './deadline';

/** What a call gave, or why it gave nothing, and when it began (by the call's clock). */
export type Outcome<T> = { at: number } & ({ value: T } | { failure: unknown });

export interface SharedCallSettings {
  /** How long a call is shared from its start on, in milliseconds. A call that takes longer is shared until it ends. */
  forMs: number;
  /** A call that takes longer counts as failed, in milliseconds. Default: none does. */
  boundMs?: number;
  /** Nobody waits for longer: the outcome before is given meanwhile, in milliseconds. Default: everybody waits. */
  waitMs?: number;
  /** A failed call leaves the last value in place. Default: its failure is shared like a value. */
  keepsValue?: boolean;
  clock?: Clock;
}

/**
 * Shares one call among all who ask, so that many who want to know cost what one does, and something slow or away does
 * not hold them up. @returns a function that never rejects; it gives undefined while there is no outcome yet.
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

/** The value of an outcome; undefined where there is none. */
export function valueOf<T>(outcome: Outcome<T> | undefined): T | undefined {
  return outcome && 'value' in outcome ? outcome.value : undefined;
}

/** The value of an outcome. @throws the failure of the call, where it has no value */
export function mustValueOf<T>(outcome: Outcome<T> | undefined): T {
  if (outcome && 'value' in outcome) return outcome.value;
  throw outcome?.failure ?? new RangeError('The call has no outcome yet');
}
