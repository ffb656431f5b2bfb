import { z } from 'zod';
import { idOf, line, shapeRule } from '../edge/schemas';
import { LongwatchError } from '../errors';
import { iso } from '../ids';
import { isCurrency } from '../money/currencies';
import { channels, type Transaction } from './transaction';

const degrees = (limit: number) =>
  z
    .number(`must be a number of degrees`)
    .min(-limit, `must be between -${limit} and ${limit}`)
    .max(limit, `must be between -${limit} and ${limit}`);

/** Accepts ISO 8601 with an offset, or epoch milliseconds; the parsed value is epoch milliseconds. */
const INSTANT = 'must be ISO 8601 with an offset ("2026-01-31T12:00:00Z") or integer epoch milliseconds';
const instant = z
  .union([z.iso.datetime({ offset: true, error: INSTANT }), z.int(INSTANT).nonnegative(INSTANT)], INSTANT)
  .transform((value) => (typeof value === 'number' ? value : Date.parse(value)));

const ADDRESS = 'must be an IPv4 or IPv6 address';

const locationSchema = z.strictObject(
  {
    latitude: degrees(90),
    longitude: degrees(180),
    country: line('must be a country code').regex(
      /^[A-Z]{2}$/,
      'must be an ISO 3166-1 alpha-2 code, upper case ("DE")',
    ),
  },
  { error: shapeRule('must be an object {latitude, longitude, country}') },
);

const amount = z
  .int('must be an integer in minor units (1999 for EUR 19.99)')
  .max(1_000_000_000_000, 'must be at most 1000000000000');

/** The schema of a transaction in `POST /v1/transactions`. */
export const transactionSchema = z.strictObject(
  {
    transactionId: idOf('the transaction'),
    userId: idOf('the user who pays'),
    merchantId: idOf('the merchant who is paid'),
    amount: amount.positive('must be over 0'),
    currency: line('must be a currency code').refine(isCurrency, 'must be an ISO 4217 code, upper case ("EUR")'),
    timestamp: instant,
    channel: z.enum(channels, `must be one of ${channels.join(', ')}`),
    deviceId: idOf('the device'),
    ip: z.union([z.ipv4(ADDRESS), z.ipv6(ADDRESS)], ADDRESS).optional(),
    location: locationSchema,
  },
  { error: shapeRule('must be a JSON object') },
);

/**
 * The schema of a transaction in a file or a stream. Channel, device and location may be absent, because the model
 * accepts missing features.
 */
export const recordSchema = transactionSchema.extend({
  // Payment systems check a card with a payment of 0: no money moves, but the check belongs to the user's behaviour.
  amount: amount.nonnegative('must not be negative'),
  channel: transactionSchema.shape.channel.optional(),
  deviceId: transactionSchema.shape.deviceId.optional(),
  location: locationSchema.partial().optional(),
});

/** The JSON body of `POST /v1/transactions`. */
export type TransactionInput = z.input<typeof transactionSchema>;

/** Tolerates payment systems whose clock is ahead by at most this. */
const MAX_AHEAD_MS = 5 * 60_000;
/** The maximum age of a new transaction: 30 days. */
export const MAX_AGE_MS = 30 * 24 * 3_600_000;

/**
 * Refuses a transaction whose timestamp is more than 5 minutes ahead of the clock or more than 30 days old. Callers
 * check it only when no decision is stored, so that a repeated request gets its stored decision at any age.
 * @param timestamp epoch ms.
 * @param now epoch ms.
 * @throws LongwatchError `invalid` for the field `timestamp`.
 */
export function checkWindow(timestamp: number, now: number): void {
  const message =
    timestamp > now + MAX_AHEAD_MS
      ? `must be at most 5 minutes ahead of the server's clock, ${iso(now)}`
      : timestamp < now - MAX_AGE_MS
        ? `must be at most 30 days old by the server's clock, ${iso(now)}`
        : undefined;
  if (message)
    throw new LongwatchError('invalid', `timestamp ${message}`, { faults: [{ field: 'timestamp', message }] });
}

/**
 * Returns the content of a transaction as JSON with sorted keys. A repeated request must have the same canonical
 * content as the first one.
 */
export function canonicalContent(transaction: Transaction): string {
  const { location, ...rest } = transaction;
  const sorted = (value: object) =>
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sorted(rest), location ? sorted(location) : null]);
}
