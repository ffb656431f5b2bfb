/** The bounds of the pauses between the attempts at one thing, in milliseconds. */
export interface Backoff {
  /** The longest pause after the first attempt. It doubles with each attempt. */
  firstMs: number;
  /** The longest pause of all. */
  lastMs: number;
}

/** Another writer won the race for the same items, and is done with them in a few milliseconds. */
export const CONTENTION: Backoff = { firstMs: 10, lastMs: 200 };

/** A service takes less than it is given, until its load falls or its capacity grows. */
export const THROTTLING: Backoff = { firstMs: 50, lastMs: 5_000 };

/**
 * Returns the pause after a failed attempt, in milliseconds: exponential back-off with full jitter, a random share of
 * `min(lastMs, firstMs · 2^(attempt − 1))`. The jitter spreads writers that collided, so that they do not collide
 * again. Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt 1 for the first
 * @param random a number from 0 to under 1
 */
export function backoffMs({ firstMs, lastMs }: Backoff, attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(lastMs, firstMs * 2 ** (attempt - 1));
}
