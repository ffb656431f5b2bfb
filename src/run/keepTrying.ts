import { setTimeout as sleep } from 'node:timers/promises';

export interface KeepTrying {
  /** Ends it between two tries. */
  signal: AbortSignal;
  /** Told of each failure that is tried again after. */
  onFault(error: unknown): void;
  /** Whether a failure passes by itself; others are thrown. Default: all do. */
  passes?(error: unknown): boolean;
  /** Pauses double from the first to the last; default 500 ms to 5 s. */
  firstPauseMs?: number;
  lastPauseMs?: number;
}

/** Tries until it succeeds. @returns undefined when the signal came first. */
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
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined); // Woken by the signal: the loop ends.
    }
  }
  return undefined;
}
