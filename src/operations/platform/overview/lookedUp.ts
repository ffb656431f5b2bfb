import { type Clock, systemClock } from '../../../timing/clock';
import { sharedCall } from '../../../timing/sharedCall';

/** What was found when somebody last looked (epoch ms), or that it could not be had. */
export type LookedUp<T> = { value: T; at: number } | { unavailable: true; at: number };

export interface LookSettings {
  /** For how long a look is shared among all who ask, in milliseconds. */
  forMs: number;
  /** A look that takes longer counts as unavailable, in milliseconds. Default 2,000. */
  boundMs?: number;
  /** Nobody waits for longer: what was found before is given meanwhile, in milliseconds. Default 400. */
  waitMs?: number;
  clock?: Clock;
}

/**
 * Shares one look among all who ask, so that a page that many people watch costs what one does; and keeps a part that
 * is slow or away from holding up whoever asks for the others.
 */
export function lookedUp<T>(
  look: () => Promise<T>,
  { forMs, boundMs = 2_000, waitMs = 400, clock = systemClock }: LookSettings,
): () => Promise<LookedUp<T>> {
  const shared = sharedCall(look, { forMs, boundMs, waitMs, clock });
  return async () => {
    const { at, ...outcome } = (await shared()) ?? { at: clock.now() };
    // Which part it is the page says beside it; why, the log and the metrics of that part.
    return 'value' in outcome ? { value: outcome.value, at } : { unavailable: true, at };
  };
}
