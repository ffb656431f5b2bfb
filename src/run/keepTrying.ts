import { setTimeout as sleep } from 'node:timers/promises';

/** How long and how often to retry. */
export interface KeepTrying {
  /** Ends the retries; a running attempt is not interrupted. */
  signal: AbortSignal;
  /** Called with each failure that is retried. */
  onFault(error: unknown): void;
  /** Returns whether a failure is temporary; other failures are thrown. Default: all failures are temporary. */
  passes?(error: unknown): boolean;
  /** Pauses double from the first to the last, in milliseconds. Default 500 to 5,000. */
  firstPauseMs?: number;
  lastPauseMs?: number;
}

/** Retries work until it succeeds. @returns undefined if the signal was aborted first */
export async function keepTrying<T>(
  work: () => Promise<T>,
  { signal, onFault, passes = () => true, firstPauseMs = 500, lastPauseMs = 5_000 }: KeepTrying,
): Promise<T | undefined> {
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error)) throw error;
      onFault(error);
      // The signal ends the pause, and then the loop.
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
