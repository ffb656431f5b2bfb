import type { Cart, Closing } from './cart';
import type { CartPreferences, QuietHours } from './preferences';
import { afterQuiet } from './quietHours';

/** The reminders and the end of carts. Durations are in milliseconds after the last activity. */
export interface CartPolicy {
  /** The reminders, ascending. */
  reminders: readonly number[];
  abandonAfterMs: number;
  quietHours: QuietHours | null;
}

/** The next step for a cart. */
export type LadderStep =
  /** Send reminder number `rung`, which was due at `dueAt`. */
  | { kind: 'remind'; rung: number; dueAt: number }
  | { kind: 'abandon' }
  | { kind: 'sleep'; until: number; next: string }
  | { kind: 'ended'; how: Closing };

/**
 * Returns the next step for the user's cart with this number. Activity before the first reminder moves all instants
 * later. Activity after a reminder ends the cart as recovered (see `withLines`). So the instant of a sleep is never
 * moved to an earlier time, and a sleeping workflow cannot miss it.
 * @param now epoch ms.
 */
export function nextStep(
  cart: Cart | undefined,
  cartNumber: number,
  preferences: CartPreferences,
  policy: CartPolicy,
  now: number,
): LadderStep {
  if (cart?.status !== 'open' || cart.number !== cartNumber) return { kind: 'ended', how: howEnded(cart, cartNumber) };
  const { lastActivityAt, reminded } = cart;
  const abandonAt = lastActivityAt + policy.abandonAfterMs;
  if (now >= abandonAt) return { kind: 'abandon' };
  const quiet = preferences.quietHours === undefined ? policy.quietHours : preferences.quietHours;
  const rungs = policy.reminders.map((after, i) => ({
    rung: i + 1,
    dueAt: afterQuiet(lastActivityAt + after, preferences.timeZone, quiet),
  }));
  const ahead = preferences.reminders ? rungs.filter(({ rung }) => rung > (reminded?.rung ?? 0)) : [];
  // After an outage or quiet hours several reminders can be due: only the latest is sent.
  const due = ahead.findLast(({ dueAt }) => dueAt <= now);
  if (due) {
    // A late reminder can fall into quiet hours.
    const allowedAt = afterQuiet(now, preferences.timeZone, quiet);
    if (allowedAt <= now) return { kind: 'remind', ...due };
    if (allowedAt < abandonAt) return { kind: 'sleep', until: allowedAt, next: `reminder ${due.rung}` };
  }
  const next = ahead.find(({ dueAt }) => dueAt > now && dueAt < abandonAt);
  return next
    ? { kind: 'sleep', until: next.dueAt, next: `reminder ${next.rung}` }
    : { kind: 'sleep', until: abandonAt, next: 'abandonment, unless the customer changes the cart' };
}

function howEnded(cart: Cart | undefined, cartNumber: number): Closing {
  if (cart?.number === cartNumber && cart.status !== 'open') return cart.status;
  if (cart?.lastClosed?.number === cartNumber) return cart.lastClosed.how;
  return 'emptied';
}
