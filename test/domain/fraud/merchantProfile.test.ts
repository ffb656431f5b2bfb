import fc from 'fast-check';
import type { Label } from '../../../src/domain/fraud/label';
import {
  applyHistoryChange,
  decodeMerchantProfile,
  emptyMerchantProfile,
  encodeMerchantProfile,
  fraudStreak,
  type HistoryRecord,
  MERCHANT_DAYS,
  type MerchantProfile,
  merchantTotals,
} from '../../../src/domain/fraud/merchantProfile';
import { DAY_MS } from '../../../src/domain/fraud/profile';
import { START } from './arbitraryTransactions';

interface Event {
  day: number;
  unusualAmount: boolean;
  /** Labels that the item gets one after the other. */
  labels: Label[];
}

const arbitraryEvents = fc.array(
  fc.record({
    day: fc.integer({ min: 0, max: MERCHANT_DAYS - 1 }),
    unusualAmount: fc.boolean(),
    labels: fc.array(fc.constantFrom<Label>('fraud', 'genuine'), { maxLength: 3 }),
  }),
  { maxLength: 60 },
);

const at = (day: number): number => START + day * DAY_MS;

/** What the stream of TransactionHistory tells of some items: each new, then labelled. */
function changesOf(events: readonly Event[]): { before?: HistoryRecord; after: HistoryRecord }[] {
  return events.flatMap(({ day, unusualAmount, labels }) => {
    const item = { timestamp: at(day), unusualAmount };
    const states: HistoryRecord[] = [item, ...labels.map((label) => ({ ...item, label }))];
    return states.map((after, i) => ({ ...(i > 0 && { before: states[i - 1]! }), after }));
  });
}

const fold = (changes: ReturnType<typeof changesOf>): MerchantProfile =>
  changes.reduce(applyHistoryChange, emptyMerchantProfile());

const day = (date: number, items: number, frauds: number, unusualAmount = false): Event[] =>
  Array.from({ length: items }, (_, i) => ({ day: date, unusualAmount, labels: i < frauds ? ['fraud'] : [] }));

describe("a merchant's counters", () => {
  it('say of any window what the items say that are in it, however often their labels changed', () => {
    fc.assert(
      fc.property(
        arbitraryEvents,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 0, max: MERCHANT_DAYS - 1 }),
        (events, length, delay, today) => {
          const within = events.filter((event) => event.day <= today - delay && event.day > today - delay - length);
          const frauds = within.filter(({ labels }) => labels.at(-1) === 'fraud');
          // Labels of the last day of a late window are still coming in.
          const open =
            delay === 0 ? [] : within.filter((event) => event.day === today - delay && !frauds.includes(event));
          expect(merchantTotals(fold(changesOf(events)), at(today), length, delay)).toEqual({
            count: within.length - open.length,
            frauds: frauds.length,
            unexplained: frauds.filter(({ unusualAmount }) => !unusualAmount).length,
          });
        },
      ),
    );
  });

  it('do not depend on the order in which items of different users arrive', () => {
    const shuffled = arbitraryEvents.chain((events) =>
      fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
    );
    fc.assert(
      fc.property(shuffled, ([events, other]) => {
        expect(fold(changesOf(other))).toEqual(fold(changesOf(events)));
      }),
    );
  });

  it('are bounded: days older than the ring fall out, and what comes for them later changes nothing', () => {
    const profile = fold(
      changesOf(Array.from({ length: 200 }, (_, i) => ({ day: i, unusualAmount: false, labels: [] }))),
    );
    expect(profile.days).toHaveLength(MERCHANT_DAYS);
    expect(
      applyHistoryChange(profile, { before: { timestamp: at(3) }, after: { timestamp: at(3), label: 'fraud' } }),
    ).toEqual(profile);
    expect(encodeMerchantProfile(profile).length).toBeLessThan(4096);
  });

  it('come back from their stored form exactly as they were', () => {
    fc.assert(
      fc.property(arbitraryEvents, (events) => {
        const profile = fold(changesOf(events));
        expect(decodeMerchantProfile(encodeMerchantProfile(profile))).toEqual(profile);
      }),
    );
  });

  it('refuse a stored form that they do not know', () => {
    expect(() => decodeMerchantProfile('[99,[]]')).toThrow('merchant profile of format 99');
  });
});

describe('the streak of a compromised merchant', () => {
  it('begins with the first of the latest days on which frauds of usual amount were half of the payments', () => {
    const profile = fold(changesOf([...day(0, 10, 0), ...day(5, 4, 2), ...day(6, 2, 2), ...day(9, 3, 2)]));
    expect(fraudStreak(profile, at(16), 7)).toEqual({ frauds: 6, ageDays: 11, daysSinceGenuine: 11 });
  });

  it('is over once a day is mostly genuine', () => {
    const profile = fold(changesOf([...day(5, 4, 4), ...day(6, 10, 1)]));
    expect(fraudStreak(profile, at(16), 7)).toEqual({ frauds: 0, ageDays: Number.NaN, daysSinceGenuine: 10 });
  });

  it('is not over by payments whose labels are still coming in', () => {
    const profile = fold(changesOf([...day(5, 4, 4), ...day(9, 6, 1)]));
    expect(fraudStreak(profile, at(16), 7)).toEqual({ frauds: 5, ageDays: 11, daysSinceGenuine: Number.NaN });
    expect(fraudStreak(profile, at(17), 7)).toEqual({ frauds: 0, ageDays: Number.NaN, daysSinceGenuine: 8 });
  });

  it('knows nothing of the last days, whose labels are not due', () => {
    const profile = fold(changesOf(day(10, 5, 5)));
    expect(fraudStreak(profile, at(16), 7)).toEqual({ frauds: 0, ageDays: Number.NaN, daysSinceGenuine: Number.NaN });
    expect(fraudStreak(profile, at(17), 7)).toEqual({ frauds: 5, ageDays: 7, daysSinceGenuine: Number.NaN });
  });

  it('does not blame the merchant for frauds that their unusual amounts explain', () => {
    expect(fraudStreak(fold(changesOf(day(5, 4, 4, true))), at(16), 7).frauds).toBe(0);
  });
});
