import { type Clock, systemClock } from '../../src/timing/clock';

/** A clock that a test drives: time passes where somebody sleeps, or when the test sets it. Nobody really waits. */
export class FakeClock implements Clock {
  /** How long each sleep was, in milliseconds, in their order. */
  readonly slept: number[] = [];

  /** @param time what the clock says, in milliseconds; may be set at any time. */
  constructor(public time = 0) {}

  now(): number {
    return this.time;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    this.time += ms;
    // Whoever was ready before the sleep goes first.
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}

/** A clock that says what a function returns, and on which sleeping takes real time. */
export function clockOf(now: () => number): Clock {
  return { now, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
}
