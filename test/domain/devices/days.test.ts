import * as fc from 'fast-check';
import { addDays, DAY_MS, dayEnd, dayOf, dayStart, daysBetween, isDay } from '../../../src/domain/devices/days';
import { firstKept } from '../../../src/domain/devices/retention';

const arbitraryInstant = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2100, 0, 1) });

it('every instant lies in its day and in no other', () => {
  fc.assert(
    fc.property(arbitraryInstant, (at) => {
      const day = dayOf(at);
      expect(isDay(day)).toBe(true);
      expect(dayStart(day)).toBeLessThanOrEqual(at);
      expect(dayEnd(day)).toBeGreaterThan(at);
      expect(dayOf(dayEnd(day))).toBe(addDays(day, 1));
    }),
  );
});

it.each(['2026-02-29', '2026-13-01', '2026-1-1', '2026-01-01T00:00:00Z', '', '20260101', '2026-04-31'])(
  'the calendar has no day %p',
  (text) => expect(isDay(text)).toBe(false),
);

it('days between two instants are those that a walk by the second touches', () => {
  fc.assert(
    fc.property(arbitraryInstant, fc.integer({ min: -DAY_MS, max: 5 * DAY_MS }), (from, length) => {
      const days = new Set<string>();
      for (let at = from; at < from + length; at += 3_600_000) days.add(dayOf(at));
      if (length > 0) days.add(dayOf(from + length - 1));
      // Of a stretch that ends before it begins, none; but the day in which it began is looked at.
      if (length > 0) expect([...daysBetween(from, from + length)]).toEqual([...days].sort());
      else expect([...daysBetween(from, from + length)].length).toBeLessThanOrEqual(1);
    }),
  );
});

it('the first day that is kept is so many days ago, over the ends of months and years', () => {
  expect(firstKept('2026-03-01', 1)).toBe('2026-02-28');
  expect(firstKept('2024-03-01', 1)).toBe('2024-02-29');
  expect(firstKept('2026-01-01', 365)).toBe('2025-01-01');
  fc.assert(
    fc.property(arbitraryInstant, fc.nat(4_000), (at, days) => {
      expect((dayStart(dayOf(at)) - dayStart(firstKept(dayOf(at), days))) / DAY_MS).toBe(days);
    }),
  );
});
