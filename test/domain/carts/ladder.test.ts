import fc from 'fast-check';
import { type Cart, changeCart, closed, MAX_LINES, MAX_QUANTITY } from '../../../src/domain/carts/cart';
import { type CartPolicy, nextStep } from '../../../src/domain/carts/ladder';
import { afterQuiet, isQuiet, localMinutes } from '../../../src/domain/carts/quietHours';
import {
  type CartPreferences,
  defaultPreferences,
  formatQuietHours,
  parseQuietHours,
  type QuietHours,
} from '../../../src/domain/carts/preferences';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'America/St_Johns',
];
const product = { title: 'A book', price: 100, currency: 'EUR' };
const policy: CartPolicy = { reminders: [HOUR, 24 * HOUR, 72 * HOUR], abandonAfterMs: 30 * DAY, quietHours: null };

const arbitraryQuiet = fc
  .record({ from: fc.integer({ min: 0, max: 1_439 }), length: fc.integer({ min: 1, max: 1_200 }) })
  .map(({ from, length }): QuietHours => ({ from, to: (from + length) % 1_440 }));
/** Over two years, so that clocks are changed in every zone. */
const arbitraryInstant = fc
  .integer({ min: Date.UTC(2025, 0, 1) / MINUTE, max: Date.UTC(2027, 0, 1) / MINUTE })
  .map((minutes) => minutes * MINUTE);

describe('quiet hours', () => {
  it('are written as they are read', () => {
    fc.assert(fc.property(arbitraryQuiet, (quiet) => expect(parseQuietHours(formatQuietHours(quiet))).toEqual(quiet)));
    expect(parseQuietHours('none')).toBeNull();
    for (const text of ['', '21:00', '24:00-08:00', '8:00-9:00', '08:00-08:00', '1:2-3:4-5:6'])
      expect(parseQuietHours(text)).toBeUndefined();
  });

  it('put an instant off to the end of the night, never into one, and never for longer than a day', () => {
    fc.assert(
      fc.property(arbitraryInstant, fc.constantFrom(...zones), arbitraryQuiet, (at, zone, quiet) => {
        const allowed = afterQuiet(at, zone, quiet);
        expect(isQuiet(allowed, zone, quiet)).toBe(false);
        expect(allowed).toBeGreaterThanOrEqual(at);
        expect(allowed - at).toBeLessThan(26 * HOUR);
        if (!isQuiet(at, zone, quiet)) expect(allowed).toBe(at);
        // Nothing between the two would have been allowed.
        else for (let t = at; t < allowed; t += 7 * MINUTE) expect(isQuiet(t, zone, quiet)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('in Berlin end at eight by the clock on the wall, on the day of summer time too', () => {
    const night = { from: 21 * 60, to: 8 * 60 };
    expect(new Date(afterQuiet(Date.UTC(2026, 2, 28, 21), 'Europe/Berlin', night)).toISOString()).toBe(
      '2026-03-29T06:00:00.000Z',
    );
    expect(new Date(afterQuiet(Date.UTC(2026, 2, 27, 21), 'Europe/Berlin', night)).toISOString()).toBe(
      '2026-03-28T07:00:00.000Z',
    );
    expect(localMinutes(Date.UTC(2026, 0, 1, 0, 30), 'Asia/Kolkata')).toBe(6 * 60);
  });
});

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

describe('changes', () => {
  it('keep within the limits or change nothing, and a cart that ends or is reminded has another after it', () => {
    const change = fc.record({
      kind: fc.constantFrom('set', 'add', 'remove'),
      productId: fc.constantFrom('a', 'b', 'c'),
      quantity: fc.integer({ min: 1, max: MAX_QUANTITY }),
      reminded: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let cart: Cart | undefined;
        let opened = 0;
        let ended = 0;
        for (const [now, { reminded, ...one }] of changes.entries()) {
          const before: Cart | undefined =
            cart && reminded && cart.status === 'open' ? Object.assign(cart, { reminded: { rung: 1, at: now } }) : cart;
          let step;
          try {
            step = changeCart(before, one as Parameters<typeof changeCart>[1], { userId: 'u', now, product });
          } catch (error) {
            expect(error).toMatchObject({ type: 'conflict' });
            continue;
          }
          if (!step) continue;
          cart = step.cart;
          opened += step.counts.opened ?? 0;
          ended += step.counts.closed ?? 0;
          expect(cart.version).toBe((before?.version ?? 0) + 1);
          expect(cart.lines.length).toBeLessThanOrEqual(MAX_LINES);
          for (const { quantity } of cart.lines) expect(quantity >= 1 && quantity <= MAX_QUANTITY).toBe(true);
          expect(cart.lines.length > 0).toBe(cart.status === 'open');
          expect(step.opens).toBe(cart.number > (before?.number ?? 0));
          expect(opened - ended).toBe(cart.status === 'open' ? 1 : 0);
        }
      }),
    );
  });
});
