import fc from 'fast-check';
import { DAY_MS } from '../../../src/domain/fraud/profile';
import { channels, type Transaction } from '../../../src/domain/fraud/transaction';

export const START = Date.UTC(2026, 2, 1);

/** A transaction of one user: a builder with what a test does not care about filled in. */
export function transaction(over: Partial<Transaction> = {}): Transaction {
  return {
    transactionId: 'tx-1',
    userId: 'ada',
    merchantId: 'shop-1',
    amount: 2_000,
    currency: 'EUR',
    timestamp: START + 12 * 3_600_000,
    channel: 'card_present',
    deviceId: 'phone',
    location: { latitude: 52.52, longitude: 13.4, country: 'DE' },
    ...over,
  };
}

/** Without -0, which JSON text does not keep apart from 0. */
/** Numbers that DynamoDB keeps. */
const degrees = (limit: number) =>
  fc
    .double({ min: -limit, max: limit, noNaN: true })
    .filter((value) => value === 0 || Math.abs(value) >= 1e-130)
    .map((value) => value + 0);

/** Bursts within minutes as well as months of silence; few merchants, devices and countries, so that they recur. */
export const arbitraryTransaction: fc.Arbitrary<Transaction> = fc
  .record({
    at: fc.oneof(fc.integer({ min: 0, max: 60 * 60_000 }), fc.integer({ min: 0, max: 60 * DAY_MS })),
    amount: fc.oneof(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 1, max: 1_000_000_000_000 })),
    currency: fc.constantFrom('EUR', 'JPY', 'KWD', 'USD'),
    merchant: fc.integer({ min: 0, max: 60 }),
    device: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    channel: fc.option(fc.constantFrom(...channels), { nil: undefined }),
    place: fc.option(
      fc.record({
        latitude: degrees(90),
        longitude: degrees(180),
        country: fc.constantFrom('DE', 'FR', 'US', 'NG', 'PH', 'BR', 'ES', 'IT'),
      }),
      { nil: undefined },
    ),
  })
  .map(({ at, amount, currency, merchant, device, channel, place }) => ({
    transactionId: `tx-${at}-${amount}`,
    userId: 'ada',
    merchantId: `shop-${merchant}`,
    amount,
    currency,
    timestamp: START + at,
    ...(channel && { channel }),
    ...(device !== undefined && { deviceId: `device-${device}` }),
    ...(place && { location: place }),
  }));
