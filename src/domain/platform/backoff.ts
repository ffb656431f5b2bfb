/** The limits of the pauses between retries, in milliseconds. */
export interface Backoff {
  /** The maximum pause after the first attempt. It doubles with each attempt. */
  firstMs: number;
  /** The maximum of all pauses. */
  lastMs: number;
}

/** For lost races: another writer changes the same items and needs a few milliseconds. */
export const CONTENTION: Backoff = { firstMs: 10, lastMs: 200 };

/** For throttling: a service accepts less than the current load until the load falls or its capacity grows. */
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
