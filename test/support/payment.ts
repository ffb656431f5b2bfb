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
