import type { Cart, Closing } from './cart';
import type { CartPreferences, QuietHours } from './preferences';
import { afterQuiet } from './quietHours';

/** How carts are looked after. Durations in milliseconds. */
export interface CartPolicy {
  /** Reminders, each so long after the last activity, ascending. */
  reminders: readonly number[];
  abandonAfterMs: number;
  quietHours: QuietHours | null;
}

/** What is to be done about a cart at an instant. */
export type LadderStep =
  /** Reminder number `rung`, due at `dueAt`. */
  | { kind: 'remind'; rung: number; dueAt: number }
  | { kind: 'abandon' }
  | { kind: 'sleep'; until: number; next: string }
  | { kind: 'ended'; how: Closing };

/**
 * The next step for the user's cart of that number. Activity before the first reminder moves every instant away;
 * activity after one ends the cart as recovered (see `withLines`): so a workflow that sleeps until what it is told
 * here never sleeps too long.
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
  // Several at once, after an outage or a night: the latest stands for those before it.
  const due = ahead.findLast(({ dueAt }) => dueAt <= now);
  if (due) {
    // Late, and it is night by now.
    const allowedAt = afterQuiet(now, preferences.timeZone, quiet);
    if (allowedAt <= now) return { kind: 'remind', ...due };
    if (allowedAt < abandonAt) return { kind: 'sleep', until: allowedAt, next: `reminder ${due.rung}` };
  }
  const next = ahead.find(({ dueAt }) => dueAt > now && dueAt < abandonAt);
  return next
    ? { kind: 'sleep', until: next.dueAt, next: `reminder ${next.rung}` }
    : { kind: 'sleep', until: abandonAt, next: 'abandoned unless something happens' };
}

function howEnded(cart: Cart | undefined, cartNumber: number): Closing {
  if (cart?.number === cartNumber && cart.status !== 'open') return cart.status;
  if (cart?.lastClosed?.number === cartNumber) return cart.lastClosed.how;
  return 'emptied';
}
