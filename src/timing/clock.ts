import { setTimeout as pause } from 'node:timers/promises';

/** Where code that waits, or compares times, has its time from. Tests give one that they drive. */
export interface Clock {
  /** Returns the time in milliseconds; see each clock for when they count from. */
  now(): number;
  /** Resolves after `ms` milliseconds. @throws the signal's reason when the signal comes first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

async function sleep(ms: number, signal: AbortSignal | undefined, ref: boolean): Promise<void> {
  try {
    await pause(ms, undefined, signal ? { signal, ref } : { ref });
  } catch (error) {
    signal?.throwIfAborted(); // Node hides the reason in the cause of an AbortError of its own.
    throw error;
  }
}

/** Epoch milliseconds, as the machine's wall clock has them: may be set, in both directions. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, signal, true),
};

/** Milliseconds since the process began; never goes back. Its pauses do not keep a process running that is done. */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, signal, false),
};
