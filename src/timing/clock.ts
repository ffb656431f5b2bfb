import { setTimeout as pause } from 'node:timers/promises';

/** A source of time for code that waits or compares times. Tests pass a clock that they control. */
export interface Clock {
  /** Returns the time in milliseconds. Each clock documents when its milliseconds start. */
  now(): number;
  /**
   * Resolves after `ms` milliseconds.
   * @throws the signal's reason, if the signal aborts first
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

async function sleep(ms: number, signal: AbortSignal | undefined, ref: boolean): Promise<void> {
  try {
    await pause(ms, undefined, signal ? { signal, ref } : { ref });
  } catch (error) {
    signal?.throwIfAborted(); // Node throws its own AbortError and puts the signal's reason into the cause.
    throw error;
  }
}

/** Epoch milliseconds of the machine's wall clock, which an operator or NTP can set forward or back. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, signal, true),
};

/**
 * Milliseconds since the process started. This clock never goes back. Its pauses do not keep a finished process alive.
 */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, signal, false),
};
