import { type Backoff, backoffMs } from '../domain/platform/backoff';
import { systemClock } from '../timing/clock';

/** How long and how often to retry. */
export interface KeepTrying {
  /** Ends the retries; a running attempt is not interrupted. */
  signal: AbortSignal;
  /** Called with each failure that is retried. */
  onFault(error: unknown): void;
  /** Returns whether a failure is temporary; other failures are thrown. Default: all failures are temporary. */
  passes?(error: unknown): boolean;
  /** Pauses between the attempts. Default: up to 1 s after the first failure, and up to 10 s in the end. */
  backoff?: Backoff;
}

const BACKOFF: Backoff = { firstMs: 1_000, lastMs: 10_000 };

/** Retries work until it succeeds. @returns undefined if the signal was aborted first */
export async function retryUntilReady<T>(
  work: () => Promise<T>,
  { signal, onFault, passes = () => true, backoff = BACKOFF }: KeepTrying,
): Promise<T | undefined> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error)) throw error;
      onFault(error);
      // The signal ends the pause, and then the loop.
      await systemClock.sleep(backoffMs(backoff, failures), signal).catch(() => undefined);
    }
  }
  return undefined;
}
