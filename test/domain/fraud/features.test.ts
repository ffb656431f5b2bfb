import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { referenceAmount } from '../../../src/domain/fraud/euroReference';
import {
  extractFeatures,
  featureDefinitions,
  featureNames,
  type Features,
  featuresFromJson,
  featuresToJson,
  featureVector,
  haversineKm,
} from '../../../src/domain/fraud/features';
import { featureTable } from '../../../src/domain/fraud/featureTable';
import {
  applyHistoryChange,
  emptyMerchantProfile,
  type MerchantProfile,
} from '../../../src/domain/fraud/merchantProfile';
import {
  applyTransaction,
  DAY_MS,
  emptyUserProfile,
  HOUR_MS,
  MINUTE_MS,
  type UserProfile,
} from '../../../src/domain/fraud/profile';
import type { Transaction } from '../../../src/domain/fraud/transaction';
import { arbitraryTransaction, START, transaction } from './arbitraryTransactions';

const profileOf = (...transactions: readonly Transaction[]): UserProfile =>
  transactions.reduce(applyTransaction, emptyUserProfile());
const features = (
  now: Transaction,
  past: readonly Transaction[] = [],
  merchant: MerchantProfile = emptyMerchantProfile(),
): Features => extractFeatures(now, profileOf(...past), merchant);

const NOON = START + 40 * DAY_MS + 12 * HOUR_MS;
const before = (ms: number, over: Partial<Transaction> = {}): Transaction =>
  transaction({ timestamp: NOON - ms, ...over });
const now = (over: Partial<Transaction> = {}): Transaction => transaction({ timestamp: NOON, ...over });

describe("a user's windows", () => {
  it.each([
    ['1h', MINUTE_MS, 60],
    ['1d', HOUR_MS, 24],
    ['7d', DAY_MS, 7],
    ['30d', DAY_MS, 30],
  ] as const)(
    'give over %s the count, mean and spread of what the user did, as a full history would',
    (window, unit, length) => {
      const name = (what: string) => `user${what}${window}` as keyof Features;
      fc.assert(
        fc.property(fc.array(arbitraryTransaction, { maxLength: 80 }), arbitraryTransaction, (history, next) => {
          const inOrder = history
            .filter(({ timestamp }) => timestamp <= next.timestamp)
            .sort((a, b) => a.timestamp - b.timestamp);
          const bucket = (at: number) => Math.floor(at / unit);
          const amounts = inOrder
            .filter(({ timestamp }) => bucket(timestamp) > bucket(next.timestamp) - length)
            .map(({ amount, currency }) => referenceAmount(amount, currency));
          const found = features(next, inOrder);
          const mean = amounts.reduce((a, b) => a + b, 0) / amounts.length;
          const spread = Math.sqrt(amounts.reduce((a, b) => a + (b - mean) ** 2, 0) / amounts.length);
          const scale = Math.max(1, ...amounts);
          expect(found[name('Count')]).toBe(amounts.length);
          if (amounts.length === 0) expect(found[name('Mean')]).toBeNaN();
          else expect(Math.abs(found[name('Mean')] - mean)).toBeLessThan(0.01 + 1e-6 * scale);
          if (amounts.length < 2) expect(found[name('Spread')]).toBeNaN();
          // Kept to the hundredth as sum and sum of squares: a spread far under the amounts is not seen.
          else expect(Math.abs(found[name('Spread')] ** 2 - spread ** 2)).toBeLessThan(0.1 * scale + 1e-6 * scale ** 2);
        }),
      );
    },
  );

  it('leave the transaction itself out', () => {
    expect(features(now()).userCount1h).toBe(0);
    expect(features(now(), [before(MINUTE_MS)]).userCount1h).toBe(1);
  });

  it('end 60 minutes, 24 hours, 7 days and 30 days back, in whole buckets', () => {
    const past = [
      before(30 * DAY_MS),
      before(29 * DAY_MS),
      before(6 * DAY_MS),
      before(23 * HOUR_MS),
      before(60 * MINUTE_MS),
      before(59 * MINUTE_MS),
    ];
    const { userCount1h, userCount1d, userCount7d, userCount30d } = features(now(), past);
    expect({ userCount1h, userCount1d, userCount7d, userCount30d }).toEqual({
      userCount1h: 1,
      userCount1d: 3,
      userCount7d: 4,
      userCount30d: 5,
    });
  });
});

describe('an amount', () => {
  const usual = Array.from({ length: 20 }, (_, i) => before((20 - i) * HOUR_MS, { amount: i % 2 ? 1_900 : 2_100 }));

  it('is compared with what the user usually pays', () => {
    const found = features(now({ amount: 20_000 }), usual);
    expect(found.amountOverMean).toBeCloseTo(10, 1);
    expect(found.amountOverMean30d).toBeCloseTo(10, 6);
    expect(found.amountOverMedian).toBeCloseTo(10, 6);
    expect(found.amountDeviations).toBeGreaterThan(10);
  });

  it('is compared across currencies', () => {
    expect(features(now({ amount: 3_300, currency: 'JPY' }), usual).amountOverMedian).toBeCloseTo(1, 6);
  });

  it('leaves a trace when it was unusually high: how often, how high, how long ago', () => {
    const highs = [before(10 * DAY_MS, { amount: 80_000 }), before(2 * DAY_MS, { amount: 40_000 })];
    const found = features(now(), [
      ...usual.map((each) => ({ ...each, timestamp: each.timestamp - 12 * DAY_MS })),
      ...highs,
    ]);
    expect([found.highs7d, found.highs14d]).toEqual([1, 2]);
    expect(found.maxHigh14d).toBeCloseTo(40, 0);
    expect(found.hoursSinceHigh).toBeCloseTo(48, 6);
  });
});

describe('time and place', () => {
  it('know a night at the place of the payment, whatever the hour in Greenwich', () => {
    const at = (hour: number, longitude: number) =>
      features(transaction({ timestamp: START + hour * HOUR_MS, location: { latitude: 0, longitude, country: 'BR' } }))
        .night;
    expect([at(3, 0), at(12, 0), at(3, 120), at(19, 120), at(12, -150)]).toEqual([1, 0, 0, 1, 1]);
  });

  it('know a weekend', () => {
    const sunday = START; // 2026-03-01
    expect(
      [0, 1, 5, 6, 7].map((day) => features(transaction({ timestamp: sunday + day * DAY_MS + 12 * HOUR_MS })).weekend),
    ).toEqual([1, 0, 0, 1, 1]);
  });

  it('measure the way from the last place, and the speed it would have taken', () => {
    const paris = { latitude: 48.8566, longitude: 2.3522, country: 'FR' };
    const found = features(now({ location: paris }), [
      before(30 * MINUTE_MS, { location: { latitude: 52.52, longitude: 13.405, country: 'DE' } }),
    ]);
    expect(found.distanceKm).toBeCloseTo(877.5, 0);
    expect(found.speedKmh).toBeCloseTo(2 * 877.5, -1);
    expect(found.newCountry).toBe(1);
  });

  it('agree with known distances, over the date line too', () => {
    expect(haversineKm(51.47, -0.4543, 40.6413, -73.7781)).toBeCloseTo(5540, -1); // Heathrow to Kennedy
    expect(haversineKm(0, 179.5, 0, -179.5)).toBeCloseTo(111.2, 1);
    expect(haversineKm(90, 0, -90, 77)).toBeCloseTo(Math.PI * 6371.0088, 3);
  });

  it('give no endless speed to two payments in one instant', () => {
    const found = features(now({ location: { latitude: 53, longitude: 13.4, country: 'DE' } }), [before(0)]);
    expect(found.speedKmh).toBeCloseTo(found.distanceKm * 60, 6);
  });
});

describe('what is new', () => {
  it('is a device, a merchant or a country that the user was not seen with', () => {
    const known = features(now(), [before(DAY_MS)]);
    expect([known.newDevice, known.newMerchant, known.newCountry]).toEqual([0, 0, 0]);
    const unknown = features(
      now({ deviceId: 'other', merchantId: 'other', location: { latitude: 1, longitude: 1, country: 'NG' } }),
      [before(DAY_MS)],
    );
    expect([unknown.newDevice, unknown.newMerchant, unknown.newCountry]).toEqual([1, 1, 1]);
  });

  it('is not known of a user without history, nor where the transaction does not say', () => {
    const first = features(now());
    expect([first.newDevice, first.newMerchant, first.newCountry]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    const { deviceId: _deviceId, channel: _channel, location: _location, ...bare } = now();
    const found = features(bare, [before(DAY_MS)]);
    for (const name of ['newDevice', 'newCountry', 'distanceKm', 'speedKmh', 'ecommerce', 'atm'] as const)
      expect(found[name]).toBeNaN();
  });
});

describe("a merchant's frauds", () => {
  const record = (daysAgo: number) => ({ timestamp: NOON - daysAgo * DAY_MS });
  const fraudAt = (daysAgo: number) => [
    { after: record(daysAgo) },
    { before: record(daysAgo), after: { ...record(daysAgo), label: 'fraud' as const } },
  ];
  const merchant = (...daysAgo: number[]) =>
    daysAgo.flatMap(fraudAt).reduce(applyHistoryChange, emptyMerchantProfile());

  it(
    'count from the day on which their labels are due, even where somebody knew sooner: serving sees what training ' +
      'saw',
    () => {
      expect(features(now(), [], merchant(6)).merchantFrauds7d).toBe(0);
      expect(features(now(), [], merchant(7)).merchantFrauds7d).toBe(1);
      expect(features(now(), [], merchant(13, 14, 20, 21)).merchantFrauds7d).toBe(1);
      expect(features(now(), [], merchant(34, 35)).merchantFrauds28d).toBe(1);
    },
  );

  it('have a rate over all payments of their window, and none where there were no payments', () => {
    const counted = [1, 2, 3].reduce((profile) => applyHistoryChange(profile, { after: record(10) }), merchant(10));
    expect(features(now(), [], counted).merchantFraudRate28d).toBe(0.25);
    expect(features(now(), [], merchant(3)).merchantFraudRate28d).toBeNaN();
  });
});

describe('the list of features', () => {
  it('is the order of the columns, each name once', () => {
    expect(new Set(featureNames).size).toBe(featureDefinitions.length);
    const found = features(now(), [before(DAY_MS)]);
    expect(featureVector(found)).toEqual(featureNames.map((name) => found[name]));
    expect(Object.keys(found).sort()).toEqual([...featureNames].sort());
  });

  it('is the list of the shipped model: another order would score nonsense', () => {
    const card = JSON.parse(readFileSync(join(__dirname, '../../../model/fraud.card.json'), 'utf8')) as {
      features: string[];
    };
    expect(card.features).toEqual(featureNames);
  });

  it('is documented as it is: run npm run docs:features when this fails', () => {
    expect(readFileSync(join(__dirname, '../../../docs/features.md'), 'utf8')).toBe(featureTable());
  });
});

describe('stored features', () => {
  it('come back as the very numbers that the model sees, missing ones missing', () => {
    fc.assert(
      fc.property(fc.array(arbitraryTransaction, { maxLength: 20 }), arbitraryTransaction, (history, next) => {
        const found = features(next, history);
        const reread = featuresFromJson(featuresToJson(found));
        expect(Float32Array.from(featureVector(reread))).toEqual(Float32Array.from(featureVector(found)));
      }),
    );
  });

  it('that were stored before the last features existed come back without them', () => {
    const older = JSON.stringify(JSON.parse(featuresToJson(features(now()))).slice(0, 5));
    const found = featuresFromJson(older);
    expect(found.amount).toBe(20);
    expect(found[featureNames.at(-1)!]).toBeNaN();
  });

  it('are never infinite, whatever the transactions', () => {
    fc.assert(
      fc.property(fc.array(arbitraryTransaction, { maxLength: 30 }), arbitraryTransaction, (history, next) => {
        for (const value of featureVector(features(next, history)))
          expect(Number.isNaN(value) || Number.isFinite(value)).toBe(true);
      }),
    );
  });
});
