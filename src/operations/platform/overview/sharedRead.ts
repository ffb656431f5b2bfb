import { type Clock, systemClock } from '../../../timing/clock';
import { sharedCall } from '../../../timing/sharedCall';

/** A value and when it was read (epoch ms), or the fact that it was unavailable then. */
export type SharedResult<T> = { value: T; at: number } | { unavailable: true; at: number };

/** The settings of {@link sharedRead}. */
export interface SharedReadSettings {
  /** How long callers share one read, in milliseconds. */
  forMs: number;
  /** A read that takes longer than this many milliseconds counts as unavailable. Default 2,000. */
  boundMs?: number;
  /** Maximum wait of a caller, in milliseconds. After that the caller gets the previous result. Default 400. */
  waitMs?: number;
  clock?: Clock;
}

/**
 * Shares one read among all callers, so that many open pages cost as much as one. A slow or unavailable source does not
 * delay callers that read several sources.
 * @returns a function that never rejects
 */
export function sharedRead<T>(
  read: () => Promise<T>,
  { forMs, boundMs = 2_000, waitMs = 400, clock = systemClock }: SharedReadSettings,
): () => Promise<SharedResult<T>> {
  const shared = sharedCall(read, { forMs, boundMs, waitMs, clock });
  return async () => {
    const { at, ...outcome } = (await shared()) ?? { at: clock.now() };
    // The failure is dropped: the page names the unavailable source, and its logs and metrics give the reason.
    return 'value' in outcome ? { value: outcome.value, at } : { unavailable: true, at };
  };
}
