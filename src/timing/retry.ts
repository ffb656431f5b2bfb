import { type Backoff, backoffMs, CONTENTION } from '../domain/platform/backoff';
import { type Clock, systemClock } from './clock';

/** What an attempt returns that did not succeed, so that another one follows. */
export class Again {
  constructor(
    /** Why the attempt failed; told to `exhausted` after the last one. */
    readonly cause?: unknown,
    /** The next attempt follows without a pause: this one found something out, and was not in anybody's way. */
    readonly isAtOnce = false,
  ) {}
}

/** Another attempt after a pause. */
export const again = new Again();
/** Another attempt without a pause. */
export const againAtOnce = new Again(undefined, true);
/** Another attempt after a pause, because of an error. */
export const againAfter = (cause: unknown): Again => new Again(cause);

/** Where retries end, by number or by time, whichever comes first. */
export type RetryBound =
  | { /** At most, the first one included. */ attempts: number; withinMs?: number }
  | { attempts?: number; /** No attempt begins later than this many milliseconds from now. */ withinMs: number };

export type RetrySettings = RetryBound & {
  /** Between the attempts. Default: that of contention. */
  backoff?: Backoff;
  /**
   * Makes the error that is thrown when no further attempt begins, of the last attempt's cause or the signal's reason.
   */
  exhausted(cause: unknown): unknown;
  /** Ends a pause at once; no further attempt begins. */
  signal?: AbortSignal | undefined;
  clock?: Clock;
};

/**
 * Attempts something until an attempt returns anything but {@link Again}, and returns that. What an attempt throws is
 * final. @throws what `exhausted` makes, past the bound or after the signal
 */
export async function retry<T>(
  {
    attempts,
    withinMs = Number.POSITIVE_INFINITY,
    backoff = CONTENTION,
    exhausted,
    signal,
    clock = systemClock,
  }: RetrySettings,
  attempt: (number: number) => Promise<T | Again>,
): Promise<T> {
  const end = clock.now() + withinMs;
  for (let number = 1, pauses = 0; ; number++) {
    if (signal?.aborted) throw exhausted(signal.reason);
    const result = await attempt(number);
    if (!(result instanceof Again)) return result;
    const pauseMs = result.isAtOnce ? 0 : backoffMs(backoff, ++pauses);
    if (number === attempts || clock.now() + pauseMs >= end) throw exhausted(result.cause);
    // Woken by the signal: the loop ends.
    if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
