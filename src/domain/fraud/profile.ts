import { referenceAmount } from '../money';
import { addToRing, type Bucket } from './ring';
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
  highs: 8,
  devices: 8,
  merchants: 40,
  countries: 6,
} as const;

/** A value seen, by hash, and when it was last seen (epoch ms). */
type Seen = readonly [hash: number, lastSeen: number];

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
  /** Unusually high amounts: when, and how many times the long-run mean. */
  highs: readonly (readonly [at: number, overMean: number])[];
  devices: readonly Seen[];
  merchants: readonly Seen[];
  countries: readonly Seen[];
  /** Long-run count, mean and variance of amounts; unusually high amounts are kept out of mean and variance. */
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
const USUAL_DEVIATIONS = 4;

/** Spread used for z-scores: never under a fifth of the mean, so that a regular payer is not alarmed by cents. */
export function usualDeviation(profile: UserProfile): number {
  return Math.max(Math.sqrt(profile.variance), 0.2 * profile.mean, 1);
}

export function isUnusuallyHigh(profile: UserProfile, amount: number): boolean {
  return profile.count >= SETTLED && amount > profile.mean + USUAL_DEVIATIONS * usualDeviation(profile);
}

/** 32-bit FNV-1a over UTF-16 code units: identifiers in profiles are kept as this hash, to bound their size. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

export function hasSeen(list: readonly Seen[], value: string): boolean {
  const hash = hash32(value);
  return list.some(([known]) => known === hash);
}

/** The profile after a transaction. Late arrivals count in their own buckets and never move "last" backwards. */
export function applyTransaction(profile: UserProfile, transaction: Transaction): UserProfile {
  const { timestamp, location } = transaction;
  const amount = Math.round(referenceAmount(transaction.amount, transaction.currency) * 100) / 100;
  const unusual = isUnusuallyHigh(profile, amount);
  const weight = 1 / Math.min(profile.count + 1, MEMORY);
  const delta = amount - profile.mean;
  const newest = profile.lastAt === null || timestamp >= profile.lastAt;
  return {
    minutes: addToRing(profile.minutes, profileLimits.minutes, Math.floor(timestamp / MINUTE_MS), amount),
    hours: addToRing(profile.hours, profileLimits.hours, Math.floor(timestamp / HOUR_MS), amount),
    days: addToRing(profile.days, profileLimits.days, Math.floor(timestamp / DAY_MS), amount),
    recent: [...profile.recent, amount].slice(-profileLimits.recent),
    highs: unusual
      ? [...profile.highs, [timestamp, tidy(amount / profile.mean)] as const].slice(-profileLimits.highs)
      : profile.highs,
    devices: see(profile.devices, transaction.deviceId, timestamp, profileLimits.devices),
    merchants: see(profile.merchants, transaction.merchantId, timestamp, profileLimits.merchants),
    countries: see(profile.countries, location?.country, timestamp, profileLimits.countries),
    count: profile.count + 1,
    mean: unusual ? profile.mean : tidy(profile.mean + weight * delta),
    variance: unusual ? profile.variance : tidy((1 - weight) * (profile.variance + weight * delta * delta)),
    lastAt: newest ? timestamp : profile.lastAt,
    place:
      location?.latitude !== undefined &&
      location.longitude !== undefined &&
      (profile.place === null || timestamp >= profile.place.at)
        ? { at: timestamp, latitude: location.latitude, longitude: location.longitude }
        : profile.place,
  };
}

/** Rounded so that what is stored is what was computed: decoding an encoded profile gives the same profile. */
const tidy = (value: number): number => Math.round(value * 10_000) / 10_000;

/** Most recently seen last; the longest unseen falls out. */
function see(list: readonly Seen[], value: string | undefined, at: number, limit: number): readonly Seen[] {
  if (value === undefined) return list;
  const hash = hash32(value);
  const before = list.find(([known]) => known === hash);
  const others = list.filter(([known]) => known !== hash);
  return [...others, [hash, Math.max(at, before?.[1] ?? at)] as const].slice(-limit);
}

const FORMAT = 1;

/** Compact JSON, see docs/decisions/0002: the form in which a profile is stored. */
export function encodeUserProfile(profile: UserProfile): string {
  const { place } = profile;
  return JSON.stringify([
    FORMAT,
    profile.minutes,
    profile.hours,
    profile.days,
    profile.recent,
    profile.highs,
    profile.devices,
    profile.merchants,
    profile.countries,
    [profile.count, profile.mean, profile.variance, profile.lastAt],
    place && [place.at, place.latitude, place.longitude],
  ]);
}

type Encoded = [
  number,
  Bucket[],
  Bucket[],
  Bucket[],
  number[],
  [number, number][],
  Seen[],
  Seen[],
  Seen[],
  [number, number, number, number | null],
  [number, number, number] | null,
];

export function decodeUserProfile(text: string): UserProfile {
  const [format, minutes, hours, days, recent, highs, devices, merchants, countries, figures, place] = JSON.parse(
    text,
  ) as Encoded;
  if (format !== FORMAT) throw new TypeError(`A user profile of format ${format} is newer than this code, which reads ${FORMAT}`);
  const [count, mean, variance, lastAt] = figures;
  return {
    minutes,
    hours,
    days,
    recent,
    highs,
    devices,
    merchants,
    countries,
    count,
    mean,
    variance,
    lastAt,
    place: place && { at: place[0], latitude: place[1], longitude: place[2] },
  };
}
