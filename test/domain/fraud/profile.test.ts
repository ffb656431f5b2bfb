import fc from 'fast-check';
import { referenceAmount } from '../../../src/domain/fraud/euroReference';
import {
  applyTransaction,
  DAY_MS,
  emptyUserProfile,
  HOUR_MS,
  hasSeen,
  isUnusuallyHigh,
  MINUTE_MS,
  profileLimits,
  type UserProfile,
} from '../../../src/domain/fraud/profile';
import { decodeUserProfile, encodeUserProfile } from '../../../src/domain/fraud/profileEncoding';
import { ringTotals } from '../../../src/domain/fraud/ring';
import { simulate } from '../../../src/domain/fraud/simulation';
import type { Transaction } from '../../../src/domain/fraud/transaction';
import { arbitraryTransaction, START, transaction } from './arbitraryTransactions';

const profileOf = (transactions: readonly Transaction[]): UserProfile =>
  transactions.reduce(applyTransaction, emptyUserProfile());

const someTransactions = fc.array(arbitraryTransaction, { maxLength: 150 });

describe('a user profile', () => {
  it.each([
    ['minutes', MINUTE_MS, 60],
    ['hours', HOUR_MS, 24],
    ['days', DAY_MS, 30],
  ] as const)(
    'counts in its %s every transaction that is not older than the ring, in whatever order they came',
    (ring, unit, length) => {
      fc.assert(
        fc.property(someTransactions, (transactions) => {
          const profile = profileOf(transactions);
          const newest = Math.max(...transactions.map(({ timestamp }) => Math.floor(timestamp / unit)), 0);
          // A transaction has its place while it is no older than the ring, seen from the newest before it.
          let seen = 0;
          const kept = transactions.filter(({ timestamp }) => {
            const bucket = Math.floor(timestamp / unit);
            seen = Math.max(seen, bucket);
            return bucket > seen - length && bucket > newest - length;
          });
          const totals = ringTotals(profile[ring], length, newest);
          const sum = kept.reduce((total, { amount, currency }) => total + referenceAmount(amount, currency), 0);
          expect(totals.count).toBe(kept.length);
          expect(Math.abs(totals.sum - sum)).toBeLessThanOrEqual(0.01 * kept.length + 1e-9 * sum);
        }),
      );
    },
  );

  it('comes back from its stored form exactly as it was', () => {
    fc.assert(
      fc.property(someTransactions, (transactions) => {
        const profile = profileOf(transactions);
        expect(decodeUserProfile(encodeUserProfile(profile))).toEqual(profile);
      }),
    );
  });

  it('goes on from its stored form as if it had never been stored', () => {
    fc.assert(
      fc.property(someTransactions, arbitraryTransaction, (transactions, next) => {
        const profile = profileOf(transactions);
        const reread = decodeUserProfile(encodeUserProfile(profile));
        expect(applyTransaction(reread, next)).toEqual(applyTransaction(profile, next));
      }),
    );
  });

  it('is not changed by what is applied to it', () => {
    const before = profileOf([transaction()]);
    const copy = structuredClone(before);
    applyTransaction(before, transaction({ timestamp: START + DAY_MS, merchantId: 'shop-2' }));
    expect(before).toEqual(copy);
  });

  it('stays under 6 KiB whatever a user does', () => {
    const year = 365 * DAY_MS;
    const busiest = fc.array(arbitraryTransaction, { minLength: 300, maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(busiest, fc.boolean(), (transactions, everyMinute) => {
        const spread = transactions.map((each, i) => ({
          ...each,
          // The fullest rings: something in every minute, hour and day, with the longest numbers.
          timestamp:
            START +
            year +
            (i < 30 ? i * DAY_MS : 30 * DAY_MS + (everyMinute ? i * MINUTE_MS * 6 : each.timestamp % DAY_MS)),
        }));
        const minutes = Array.from({ length: 60 }, (_, i) => ({
          ...transaction({ amount: 987_654_321_987 - i, merchantId: `shop-${i}` }),
          timestamp: START + year + 32 * DAY_MS + i * MINUTE_MS,
        }));
        expect(encodeUserProfile(profileOf([...spread, ...minutes])).length).toBeLessThan(6 * 1024);
      }),
      { numRuns: 20 },
    );
  });

  it('takes less than 1.5 KiB for nine of ten ordinary users, so that most writes are of two units at most', () => {
    const profiles = new Map<string, UserProfile>();
    for (const { transaction: each } of simulate({ seed: 5, customers: 60, merchants: 80, days: 60, start: START }))
      profiles.set(each.userId, applyTransaction(profiles.get(each.userId) ?? emptyUserProfile(), each));
    const sizes = [...profiles.values()].map((profile) => encodeUserProfile(profile).length).sort((a, b) => a - b);
    expect(sizes[Math.floor(sizes.length * 0.9)]).toBeLessThan(1536);
  });

  it('does not let a late transaction move the last time and place backwards', () => {
    const home = transaction({ timestamp: START + DAY_MS });
    const late = transaction({ timestamp: START, location: { latitude: 14.6, longitude: 121, country: 'PH' } });
    const profile = profileOf([home, late]);
    expect(profile.lastAt).toBe(home.timestamp);
    expect(profile.place).toEqual({ at: home.timestamp, latitude: 52.52, longitude: 13.4 });
    expect(hasSeen(profile.countries, 'PH')).toBe(true);
  });

  it('forgets the merchant that was not seen for longest, and keeps those that recur', () => {
    const shops = Array.from({ length: profileLimits.merchants + 5 }, (_, i) => i);
    const visits = shops.flatMap((shop) => [
      transaction({ merchantId: `shop-${shop}`, timestamp: START + shop * DAY_MS }),
      transaction({ merchantId: 'baker', timestamp: START + shop * DAY_MS + HOUR_MS }),
    ]);
    const { merchants } = profileOf(visits);
    expect(merchants).toHaveLength(profileLimits.merchants);
    expect(hasSeen(merchants, 'shop-0')).toBe(false);
    expect(hasSeen(merchants, `shop-${shops.length - 1}`)).toBe(true);
    expect(hasSeen(merchants, 'baker')).toBe(true);
  });

  it('refuses a stored form that it does not know instead of reading it wrongly', () => {
    expect(() => decodeUserProfile('[99]')).toThrow('user profile of format 99');
  });
});

describe('what is usual for a user', () => {
  const daily = (days: number, amount: number, from = 0): Transaction[] =>
    Array.from({ length: days }, (_, i) =>
      transaction({ timestamp: START + (from + i) * DAY_MS, amount: amount + (i % 5) * 100 }),
    );

  it('is unknown at first: a new user is not alarmed by any amount', () => {
    expect(isUnusuallyHigh(profileOf(daily(7, 2_000)), transaction({ amount: 1_000_000 }))).toBe(false);
  });

  it('tells five times the usual from a fifth over it', () => {
    const profile = profileOf(daily(20, 2_000));
    expect(isUnusuallyHigh(profile, transaction({ amount: 11_000 }))).toBe(true);
    expect(isUnusuallyHigh(profile, transaction({ amount: 2_640 }))).toBe(false);
  });

  it('is hardly moved by a few frauds', () => {
    const before = profileOf(daily(40, 2_000));
    const frauds = Array.from({ length: 3 }, (_, i) =>
      transaction({ amount: 500_000, timestamp: START + 41 * DAY_MS + i }),
    );
    const after = frauds.reduce(applyTransaction, before);
    expect(after.mean).toBeLessThan(1.1 * before.mean);
    expect(after.highs).toHaveLength(3);
  });

  it('follows somebody who spends ten times as much for good', () => {
    const profile = profileOf([...daily(40, 2_000), ...daily(400, 20_000, 40)]);
    expect(isUnusuallyHigh(profile, transaction({ amount: 20_500 }))).toBe(false);
  });
});
