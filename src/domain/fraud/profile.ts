import { fnv1a } from '../fnv1a';
import { referenceAmount } from './euroReference';
import { addToRing, type Bucket, cents } from './ring';
import type { Transaction } from './transaction';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Sizes of what a profile keeps; together they bound its encoded size (asserted by a test). */
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

/** A value seen, by hash, and the UTC day on which it was last seen. */
type Seen = readonly [lastDay: number, hash: number];
/** An unusually high amount: when, and how many times the long-run mean. */
type High = readonly [minute: number, overMean: number];

/**
 * What is remembered of a user's behaviour. Amounts are reference units (euros by order of magnitude).
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
  /** Long-run count, mean and variance of amounts; unusually high amounts count as the highest usual one. */
  count: number;
  mean: number;
  variance: number;
  /** The newest transaction, and the newest place known. */
  lastAt: number | null;
  place: { at: number; latitude: number; longitude: number } | null;
}

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

/** The long-run figures follow about this many transactions. */
const MEMORY = 200;
/** Until this many are known, no amount counts as unusual. */
const SETTLED = 8;
const USUAL_DEVIATIONS = 3;

/** Spread used for z-scores: never under a fifth of the mean, so that a regular payer is not alarmed by cents. */
export function usualDeviation(profile: UserProfile): number {
  return Math.max(Math.sqrt(profile.variance), 0.2 * profile.mean, 1);
}

/** The highest amount that counts as usual for this user, in reference units; without end until enough is known. */
export function usualLimit(profile: UserProfile): number {
  return profile.count < SETTLED ? Number.POSITIVE_INFINITY : profile.mean + USUAL_DEVIATIONS * usualDeviation(profile);
}

/** Whether a transaction's amount is unusually high for its user, by the profile before it. */
export function isUnusuallyHigh(profile: UserProfile, transaction: Pick<Transaction, 'amount' | 'currency'>): boolean {
  return referenceAmount(transaction.amount, transaction.currency) > usualLimit(profile);
}

/**
 * 24 bits of 32-bit FNV-1a over UTF-16 code units: identifiers in profiles are kept as this hash, to bound
 * their size. Two of a list of 40 are mistaken for each other once in some 400,000 look-ups.
 */
export function shortHash(text: string): number {
  const hash = fnv1a(text);
  return (hash >>> 8) ^ (hash & 0xff);
}

export function hasSeen(list: readonly Seen[], value: string): boolean {
  const hash = shortHash(value);
  return list.some((seen) => seen[1] === hash);
}

/** The profile after a transaction. Late arrivals count in their own buckets and never move "last" backwards. */
export function applyTransaction(profile: UserProfile, transaction: Transaction): UserProfile {
  const { timestamp, location } = transaction;
  const exact = referenceAmount(transaction.amount, transaction.currency);
  const amount = cents(exact);
  const limit = usualLimit(profile);
  // Clipped, not left out: a fraud hardly moves the figures, yet they follow somebody who spends more for good.
  const delta = Math.min(exact, limit) - profile.mean;
  const weight = 1 / Math.min(profile.count + 1, MEMORY);
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
        ? { at: timestamp, latitude: location.latitude + 0, longitude: location.longitude + 0 } // + 0: JSON knows no -0.
        : profile.place,
  };
}

/** Rounded so that what is stored is what was computed: decoding an encoded profile gives the same profile. */
const tidy = (value: number): number => Math.round(value * 10_000) / 10_000;

/** In time order, whatever order they arrive in; the oldest falls out. */
function addHigh(highs: readonly High[], minute: number, overMean: number): readonly High[] {
  return insert(highs.slice(), [minute, overMean], profileLimits.highs);
}

/** The one seen most recently stands last; the one longest unseen falls out. */
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

/** Puts an entry in its place in a list in time order, which is changed, and keeps the latest. */
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
