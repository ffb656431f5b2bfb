import fc from 'fast-check';
import type { Cart } from '../../../src/domain/carts/cart';
import { changeCart, closed } from '../../../src/domain/carts/cartChanges';
import { type CartPolicy, nextStep } from '../../../src/domain/carts/reminderLadder';
import { afterQuiet, isQuiet } from '../../../src/domain/carts/quietHours';
import { type CartPreferences, defaultPreferences } from '../../../src/domain/carts/preferences';
import { arbitraryQuiet, zones } from './arbitraryQuietHours';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const product = { title: 'A book', price: 100, currency: 'EUR' };
const policy: CartPolicy = { reminders: [HOUR, 24 * HOUR, 72 * HOUR], abandonAfterMs: 30 * DAY, quietHours: null };

describe('the ladder', () => {
  /** The workflow: looks when it is told to; the customer does something at some instants. */
  function live(activity: readonly number[], preferences: CartPreferences, given: CartPolicy) {
    let { cart } = changeCart(
      undefined,
      { kind: 'set', productId: 'p', quantity: 1 },
      { userId: 'u', now: 0, product },
    )!;
    const reminders: { at: number; rung: number; cart: number; since: number }[] = [];
    const ends: string[] = [];
    const looks = new Map([[1, given.reminders[0] ?? given.abandonAfterMs]]);
    const pending = [...activity];
    while (looks.size > 0 || pending.length > 0) {
      const [[number, at] = [0, Number.POSITIVE_INFINITY]] = [...looks].sort(([, a], [, b]) => a - b);
      const [next] = pending;
      if (next !== undefined && next <= at) {
        pending.shift();
        const step = changeCart(
          cart,
          { kind: 'set', productId: 'p', quantity: 2 },
          { userId: 'u', now: next, product },
        )!;
        cart = step.cart;
        if (step.opens) looks.set(cart.number, next + (given.reminders[0] ?? given.abandonAfterMs));
        continue;
      }
      const step = nextStep(cart, number, preferences, given, at);
      if (step.kind === 'ended') {
        ends.push(step.how);
        looks.delete(number);
      } else if (step.kind === 'sleep') {
        expect(step.until).toBeGreaterThan(at);
        looks.set(number, step.until);
      } else if (step.kind === 'remind') {
        reminders.push({ at, rung: step.rung, cart: number, since: cart.lastActivityAt });
        cart = { ...cart, reminded: { rung: step.rung, at } };
      } else cart = closed(cart, 'abandoned').cart;
    }
    return { reminders, ends, cart };
  }

  it('nobody touches it: each step once, at its time, then abandoned', () => {
    const { reminders, ends } = live([], defaultPreferences, policy);
    expect(reminders.map(({ at }) => at / HOUR)).toEqual([1, 24, 72]);
    expect(ends).toEqual(['abandoned']);
  });

  it(
    'whatever the customer does, and wherever: each activity begins it anew, no step is missed or doubled, none ' +
      'comes at night',
    () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 60 * DAY }), { maxLength: 8 }).map((times) => times.sort((a, b) => a - b)),
          fc.record({
            reminders: fc.boolean(),
            timeZone: fc.constantFrom(...zones),
            quietHours: fc.option(arbitraryQuiet),
          }),
          fc
            .uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 4 })
            .map((hours) => hours.sort((a, b) => a - b).map((hour) => hour * HOUR)),
          (activity, preferences, steps) => {
            const given = { ...policy, reminders: steps };
            const { reminders, ends, cart } = live(activity, preferences, given);
            const all = [0, ...activity];
            for (const [i, from] of all.entries()) {
              const until = all[i + 1] ?? Number.POSITIVE_INFINITY;
              const sent = reminders.filter(({ since, at }) => since === from && at >= from && at <= until);
              // Ascending, each at its time or at the end of its night, and none left out but for one that a later one
              // stands for.
              const due = steps.map((step) => afterQuiet(from + step, preferences.timeZone, preferences.quietHours));
              const expected = preferences.reminders
                ? due.filter((at, rung) => at < Math.min(until, from + given.abandonAfterMs) && due[rung + 1] !== at)
                : [];
              if (until !== from) expect(sent.map(({ at }) => at)).toEqual(expected);
            }
            for (const { at } of reminders)
              if (preferences.quietHours) expect(isQuiet(at, preferences.timeZone, preferences.quietHours)).toBe(false);
            expect(ends).toHaveLength(cart.number);
            expect(ends.at(-1)).toBe('abandoned');
          },
        ),
        { numRuns: 300 },
      );
    },
  );

  it('after an outage of days one reminder goes out, not three', () => {
    const { cart } = changeCart(
      undefined,
      { kind: 'set', productId: 'p', quantity: 1 },
      { userId: 'u', now: 0, product },
    )!;
    expect(nextStep(cart, 1, defaultPreferences, policy, 100 * HOUR)).toEqual({
      kind: 'remind',
      rung: 3,
      dueAt: 72 * HOUR,
    });
    const reminded: Cart = { ...cart, reminded: { rung: 3, at: 100 * HOUR } };
    expect(nextStep(reminded, 1, defaultPreferences, policy, 100 * HOUR)).toEqual({
      kind: 'sleep',
      until: 30 * DAY,
      next: expect.any(String),
    });
    expect(nextStep({ ...cart, status: 'ordered' }, 1, defaultPreferences, policy, HOUR)).toEqual({
      kind: 'ended',
      how: 'ordered',
    });
  });
});
