import type { Label } from './label';
import { DAY_MS } from './profile';

/**
 * What a UTC day says of a merchant: transactions, how many of that day's are labelled fraud or genuine by
 * now, and how many of the frauds the amount alone does not explain (it was not unusual for its user).
 */
type Day = readonly [day: number, count: number, frauds: number, genuine: number, unexplained: number];

/** Bounded counters of a merchant, by UTC day of the transaction. */
export interface MerchantProfile {
  /** Ascending, at most `MERCHANT_DAYS`. */
  days: readonly Day[];
}

/** 30 days of delayed labels behind a delay of 7, and room for stragglers. */
export const MERCHANT_DAYS = 45;

export function emptyMerchantProfile(): MerchantProfile {
  return { days: [] };
}

/** What the counters need of an item of TransactionHistory. */
export interface HistoryRecord {
  timestamp: number;
  label?: Label;
  /** The amount was unusually high for its user (`isUnusuallyHigh`) when the transaction was decided. */
  unusualAmount?: boolean;
}

/**
 * Folds one change of TransactionHistory into the merchant's counters: a new item (no `before`) counts a
 * transaction of its day, a label set or changed moves that day's label counts. Days that have left the
 * ring change nothing.
 */
export function applyHistoryChange(
  profile: MerchantProfile,
  change: { before?: HistoryRecord; after: HistoryRecord },
): MerchantProfile {
  const { before, after } = change;
  const day = Math.floor(after.timestamp / DAY_MS);
  const count = before ? 0 : 1;
  const frauds = isFraud(after) - isFraud(before);
  const genuine = Number(after.label === 'genuine') - Number(before?.label === 'genuine');
  const unexplained = isUnexplained(after) - isUnexplained(before);
  if (count === 0 && frauds === 0 && genuine === 0 && unexplained === 0) return profile;
  const newest = Math.max(profile.days.at(-1)?.[0] ?? day, day);
  if (day <= newest - MERCHANT_DAYS) return profile;
  // By index: this runs for every payment of a replay, and nearly always for the latest day.
  let kept = 0;
  while (kept < profile.days.length && (profile.days[kept] as Day)[0] <= newest - MERCHANT_DAYS) kept++;
  const days = profile.days.slice(kept);
  let at = days.length;
  while (at > 0 && (days[at - 1] as Day)[0] >= day) at--;
  const found = days[at];
  const next = (base: Day): Day => [
    day,
    base[1] + count,
    Math.max(0, base[2] + frauds),
    Math.max(0, base[3] + genuine),
    Math.max(0, base[4] + unexplained),
  ];
  if (found?.[0] === day) days[at] = next(found);
  else days.splice(at, 0, next([day, 0, 0, 0, 0]));
  return { days };
}

const isFraud = (record: HistoryRecord | undefined): number => (record?.label === 'fraud' ? 1 : 0);
const isUnexplained = (record: HistoryRecord | undefined): number => (record?.unusualAmount ? 0 : isFraud(record));

export interface MerchantTotals {
  count: number;
  frauds: number;
  unexplained: number;
}

/**
 * Totals over the `length` days that end `delay` days before the day of `at`, that day included. With a delay that
 * last day's labels are still coming in, so of it only what is known as fraud counts.
 */
export function merchantTotals(profile: MerchantProfile, at: number, length: number, delay: number): MerchantTotals {
  const last = Math.floor(at / DAY_MS) - delay;
  const totals: MerchantTotals = { count: 0, frauds: 0, unexplained: 0 };
  // By index and from the end: this runs several times a decision, and destructuring costs more than the sums.
  for (let i = profile.days.length - 1; i >= 0; i--) {
    const day = profile.days[i] as Day;
    if (day[0] > last) continue;
    if (day[0] <= last - length) break;
    totals.count += delay > 0 && day[0] === last ? day[2] : day[1];
    totals.frauds += day[2];
    totals.unexplained += day[4];
  }
  return totals;
}

export interface FraudStreak {
  /** Unexplained frauds of the streak; 0 when there is none. */
  frauds: number;
  /** Days from the streak's first day to the day of `at`; `NaN` without a streak. */
  ageDays: number;
  /** Days from the last day with a payment that is not known to be fraud; `NaN` when none is known. */
  daysSinceGenuine: number;
}

/**
 * The streak of a compromised merchant: the latest days with payments, up to `delay` days before `at`, on
 * which unexplained frauds were at least half of the payments. Until somebody says otherwise a payment counts
 * as genuine, so a day speaks only once its labels are due; on the day when they come in, only its frauds do.
 */
export function fraudStreak(profile: MerchantProfile, at: number, delay: number): FraudStreak {
  const today = Math.floor(at / DAY_MS);
  const streak: FraudStreak = { frauds: 0, ageDays: Number.NaN, daysSinceGenuine: Number.NaN };
  let running = true;
  for (let i = profile.days.length - 1; i >= 0; i--) {
    const [day, count, frauds, , unexplained] = profile.days[i] as Day;
    const isOpen = day === today - delay;
    if (day > today - delay || count === 0 || (isOpen && unexplained === 0)) continue;
    if (running && (isOpen || 2 * unexplained >= count)) {
      streak.frauds += unexplained;
      streak.ageDays = today - day;
    } else running = false;
    if (count > frauds && !isOpen) {
      if (Number.isNaN(streak.daysSinceGenuine)) streak.daysSinceGenuine = today - day;
      if (!running) break;
    }
  }
  return streak;
}

const FORMAT = 2;

export function encodeMerchantProfile(profile: MerchantProfile): string {
  return JSON.stringify([FORMAT, profile.days]);
}

export function decodeMerchantProfile(text: string): MerchantProfile {
  const [format, days] = JSON.parse(text) as [number, Day[]];
  if (format !== FORMAT)
    throw new TypeError(`A merchant profile of format ${format} is unknown to this code, which reads ${FORMAT}`);
  return { days };
}
