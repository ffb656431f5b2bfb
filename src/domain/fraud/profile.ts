import { fnv1a } from '../fnv1a';
import { referenceAmount } from './euroReference';
import { addToRing, type Bucket, cents } from './ring';
import type { Transaction } from './transaction';

/** Milliseconds of a minute. */
export const MINUTE_MS = 60_000;
/** Milliseconds of an hour. */
export const HOUR_MS = 60 * MINUTE_MS;
/** Milliseconds of a day. */
export const DAY_MS = 24 * HOUR_MS;

/** Maximum lengths of a profile's lists. They limit the encoded size, which a test checks. */
export const profileLimits = {
  minutes: 60,
  hours: 24,
  days: 30,
  recent: 40,
  highs: 16,
  devices: 8,
  merchants: 40,
  countries: 6,
} as const;

/** The hash of a value that the user used, and the UTC day of its latest use. */
type Seen = readonly [lastDay: number, hash: number];
/** An unusually high amount: its minute, and its ratio to the long-run mean. */
type High = readonly [minute: number, overMean: number];

/**
 * A user's past behaviour. Amounts are in reference units (euros by order of magnitude).
 * Windows are whole buckets of UTC time: "24 h" is the current hour and the 23 before it.
 */
export interface UserProfile {
  minutes: readonly Bucket[];
  hours: readonly Bucket[];
  days: readonly Bucket[];
  /** The latest amounts, oldest first. */
  recent: readonly number[];
  highs: readonly High[];
  devices: readonly Seen[];
  merchants: readonly Seen[];
  countries: readonly Seen[];
  /** Long-run count, mean and variance of amounts. An unusually high amount enters them as the highest usual one. */
  count: number;
  mean: number;
  variance: number;
  /** Epoch ms of the newest transaction, and the newest known place. */
  lastAt: number | null;
  place: { at: number; latitude: number; longitude: number } | null;
}

/** Returns the profile of a user without transactions. */
export function emptyUserProfile(): UserProfile {
  return {
    minutes: [],
    hours: [],
    days: [],
    recent: [],
    highs: [],
    devices: [],
    merchants: [],
    countries: [],
    count: 0,
    mean: 0,
    variance: 0,
    lastAt: null,
    place: null,
  };
}

/** The number of recent transactions that dominate the long-run figures. */
const LONG_RUN_TRANSACTIONS = 200;
/** With fewer transactions than this, no amount is unusual. */
const MIN_TRANSACTIONS = 8;
/** An amount is unusual from this many standard deviations above the mean on. */
const USUAL_DEVIATIONS = 3;

/**
 * Returns the standard deviation for z-scores, in reference units. It is at least a fifth of the mean, so that the
 * payments of a very regular payer are not unusual because of small differences.
 */
export function usualDeviation(profile: UserProfile): number {
  return Math.max(Math.sqrt(profile.variance), 0.2 * profile.mean, 1);
}

/** Returns the highest usual amount of this user, in reference units; infinite until enough transactions are known. */
export function usualLimit(profile: UserProfile): number {
  return profile.count < MIN_TRANSACTIONS
    ? Number.POSITIVE_INFINITY
    : profile.mean + USUAL_DEVIATIONS * usualDeviation(profile);
}

/** Returns whether an amount is unusually high for the user, compared with the profile before the transaction. */
export function isUnusuallyHigh(profile: UserProfile, transaction: Pick<Transaction, 'amount' | 'currency'>): boolean {
  return referenceAmount(transaction.amount, transaction.currency) > usualLimit(profile);
}

/**
 * Returns 24 bits of the 32-bit FNV-1a hash over UTF-16 code units. Profiles store this hash in place of identifiers
 * to limit their size. In a list of 40 values about 1 lookup in 400,000 finds another value with the same hash.
 */
export function shortHash(text: string): number {
  const hash = fnv1a(text);
  return (hash >>> 8) ^ (hash & 0xff);
}

/** Returns whether a list contains a value. */
export function hasSeen(list: readonly Seen[], value: string): boolean {
  const hash = shortHash(value);
  return list.some((seen) => seen[1] === hash);
}

/**
 * Returns the profile after a transaction. A late transaction counts in the buckets of its own time and does not change
 * the newest transaction and place.
 */
export function applyTransaction(profile: UserProfile, transaction: Transaction): UserProfile {
  const { timestamp, location } = transaction;
  const exact = referenceAmount(transaction.amount, transaction.currency);
  const amount = cents(exact);
  const limit = usualLimit(profile);
  // The amount is clipped instead of left out: one fraud changes the mean very little, yet the mean follows a user
  // whose spending has increased permanently.
  const delta = Math.min(exact, limit) - profile.mean;
  const weight = 1 / Math.min(profile.count + 1, LONG_RUN_TRANSACTIONS);
  const newest = profile.lastAt === null || timestamp >= profile.lastAt;
  const day = Math.floor(timestamp / DAY_MS);
  return {
    minutes: addToRing(profile.minutes, profileLimits.minutes, Math.floor(timestamp / MINUTE_MS), amount),
    hours: addToRing(profile.hours, profileLimits.hours, Math.floor(timestamp / HOUR_MS), amount),
    days: addToRing(profile.days, profileLimits.days, day, amount),
    recent: profile.recent.slice(1 - profileLimits.recent).concat(amount),
    highs:
      exact > limit
        ? addHigh(profile.highs, Math.floor(timestamp / MINUTE_MS), cents(amount / profile.mean))
        : profile.highs,
    devices: see(profile.devices, transaction.deviceId, day, profileLimits.devices),
    merchants: see(profile.merchants, transaction.merchantId, day, profileLimits.merchants),
    countries: see(profile.countries, location?.country, day, profileLimits.countries),
    count: profile.count + 1,
    mean: tidy(profile.mean + weight * delta),
    variance: tidy((1 - weight) * (profile.variance + weight * delta * delta)),
    lastAt: newest ? timestamp : profile.lastAt,
    place:
      location?.latitude !== undefined &&
      location.longitude !== undefined &&
      (profile.place === null || timestamp >= profile.place.at)
        ? { at: timestamp, latitude: location.latitude + 0, longitude: location.longitude + 0 } // + 0: no -0 in JSON.
        : profile.place,
  };
}

/** Rounds to 4 decimals, so that decoding an encoded profile gives an equal profile. */
const tidy = (value: number): number => Math.round(value * 10_000) / 10_000;

/** Inserts a high amount in order of time and drops the oldest beyond the limit. */
function addHigh(highs: readonly High[], minute: number, overMean: number): readonly High[] {
  return insert(highs.slice(), [minute, overMean], profileLimits.highs);
}

/** Moves a value to the end of the list, as the most recently used, and drops the least recently used. */
function see(list: readonly Seen[], value: string | undefined, day: number, limit: number): readonly Seen[] {
  if (value === undefined) return list;
  const hash = shortHash(value);
  let at = list.length - 1;
  while (at >= 0 && (list[at] as Seen)[1] !== hash) at--;
  const before = list[at];
  if (before && before[0] >= day && at === list.length - 1) return list;
  const next = list.slice();
  if (before) next.splice(at, 1);
  return insert(next, [Math.max(day, before?.[0] ?? day), hash], limit);
}

/** Inserts an entry into a list in order of time, in place, and drops the oldest beyond the limit. */
function insert<Entry extends readonly [time: number, ...rest: number[]]>(
  list: Entry[],
  entry: Entry,
  limit: number,
): readonly Entry[] {
  let place = list.length;
  while (place > 0 && (list[place - 1] as Entry)[0] > entry[0]) place--;
  list.splice(place, 0, entry);
  return list.length > limit ? list.slice(-limit) : list;
}
