import { randomUUID } from 'node:crypto';

export interface Payment {
  transactionId: string;
  userId: string;
  [field: string]: unknown;
}

/** A payment as a payment system posts it, of a user that no other test knows. */
export const payment = (over: Record<string, unknown> = {}): Payment => ({
  transactionId: `tx-${randomUUID()}`,
  userId: `user-${randomUUID()}`,
  merchantId: 'books-42',
  amount: 1999,
  currency: 'EUR',
  timestamp: new Date().toISOString(),
  channel: 'ecommerce',
  deviceId: 'phone-1',
  location: { latitude: 52.52, longitude: 13.405, country: 'DE' },
  ...over,
});

const DAY_MS = 86_400_000;

/**
 * A user's usual payments of ten days, and then three of six times the amount within minutes: the rules let them pass,
 * the model does not.
 */
export function sharpRise(): { usual: Payment[]; sharp: Payment[] } {
  const { userId } = payment();
  const now = Date.now();
  const of = (i: number, amount: number, at: number) =>
    payment({ userId, amount, merchantId: `m-${i}`, timestamp: new Date(at).toISOString() });
  return {
    usual: Array.from({ length: 10 }, (_, i) => of(i % 3, 1_800 + 100 * (i % 5), now - (10 - i) * DAY_MS)),
    sharp: Array.from({ length: 3 }, (_, i) => of(10 + i, 12_000, now + i * 60_000)),
  };
}
