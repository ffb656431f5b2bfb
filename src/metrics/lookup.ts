import { monotonicClock } from '../timing/clock';
import { sharedCall, valueOf } from '../timing/sharedCall';

/**
 * Returns a function for what metrics read from elsewhere. It reads at most once in `everyMs` milliseconds and waits
 * at most `withinMs`: a part that is away must not take the other metrics with it.
 * @returns the value that was found last; undefined before anything was found
 */
export function lookup<T>(
  ask: () => Promise<T>,
  { everyMs, withinMs = 2_000 }: { everyMs: number; withinMs?: number },
): () => Promise<T | undefined> {
  const look = sharedCall(ask, { forMs: everyMs, waitMs: withinMs, keepsValue: true, clock: monotonicClock });
  return async () => valueOf(await look());
}
