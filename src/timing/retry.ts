import { type Backoff, backoffMs, CONTENTION } from '../domain/platform/backoff';
import { type Clock, systemClock } from './clock';

/** The result of an attempt that did not succeed. Another attempt follows. */
export class Again {
  constructor(
    /** Why the attempt failed. If it was the last attempt, `exhausted` gets this cause. */
    readonly cause?: unknown,
    /** Whether the next attempt follows without a pause. Use it when the attempt learned something and lost no race. */
    readonly isAtOnce = false,
  ) {}
}

/** Another attempt after a pause. */
export const again = new Again();
/** Another attempt without a pause. */
export const againAtOnce = new Again(undefined, true);
/** Another attempt after a pause, because of an error. */
export const againAfter = (cause: unknown): Again => new Again(cause);

/** The limit of retries: a number of attempts, a time, or both. The limit that is reached first applies. */
export type RetryBound =
  | { /** Maximum number of attempts, including the first. */ attempts: number; withinMs?: number }
  | { attempts?: number; /** No attempt begins later than this many milliseconds after the call. */ withinMs: number };

/** The settings of {@link retry}. */
export type RetrySettings = RetryBound & {
  /** The pauses between attempts. Default: `CONTENTION`. */
  backoff?: Backoff;
  /**
   * Returns the error to throw when no further attempt begins. Its argument is the cause of the last attempt or the
   * signal's reason.
   */
  exhausted(cause: unknown): unknown;
  /** Aborting it ends a pause at once and prevents further attempts. */
  signal?: AbortSignal | undefined;
  clock?: Clock;
};

/**
 * Calls `attempt` until it returns anything except {@link Again}, and returns that result. An error that `attempt`
 * throws is final.
 * @throws the error from `exhausted`, when the limit is reached or the signal aborts
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
    // When the signal aborts the pause, the loop ends.
    if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
