import { monotonicClock } from '../timing/clock';
import { sharedCall, valueOf } from '../timing/sharedCall';

/**
 * Returns a function that caches a value read from elsewhere, for use at scrapes. It reads at most once in `everyMs`
 * milliseconds and waits at most `withinMs` milliseconds, so that an unavailable service does not delay the other
 * metrics.
 * @returns the last value that was read; undefined before the first
 */
export function cachedRead<T>(
  ask: () => Promise<T>,
  { everyMs, withinMs = 2_000 }: { everyMs: number; withinMs?: number },
): () => Promise<T | undefined> {
  const read = sharedCall(ask, { forMs: everyMs, waitMs: withinMs, keepsValue: true, clock: monotonicClock });
  return async () => valueOf(await read());
}
