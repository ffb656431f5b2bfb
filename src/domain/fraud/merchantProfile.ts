import type { Label } from './label';
import { DAY_MS } from './profile';

/**
 * A merchant's counters of one UTC day: transactions, those labelled fraud and genuine so far, and the unexplained
 * frauds. A fraud is unexplained if its amount was usual for its user, so that only the merchant can explain it.
 */
type Day = readonly [day: number, count: number, frauds: number, genuine: number, unexplained: number];

/** Bounded counters of a merchant, by UTC day of the transaction. */
export interface MerchantProfile {
  /** Ascending, at most `MERCHANT_DAYS`. */
  days: readonly Day[];
}

/** 30 days of labels with a delay of 7 days, and a margin for transactions that arrive late. */
export const MERCHANT_DAYS = 45;

/** Returns the counters of a merchant without transactions. */
export function emptyMerchantProfile(): MerchantProfile {
  return { days: [] };
}

/** The attributes of an item of `TransactionHistory` that the counters use. */
export interface HistoryRecord {
  /** Epoch milliseconds. */
  timestamp: number;
  label?: Label;
  /** Whether the amount was unusually high for its user (`isUnusuallyHigh`) at the time of the decision. */
  unusualAmount?: boolean;
}

/**
 * Applies one change of `TransactionHistory` to the merchant's counters. A new item (no `before`) counts one
 * transaction on its day. A new or changed label changes that day's label counts. A change on a day that is too old
 * has no effect.
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
  // Loops by index: this runs for every payment of a replay, nearly always for the newest day.
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

/** Sums of a merchant's counters over some days. */
export interface MerchantTotals {
  count: number;
  frauds: number;
  unexplained: number;
}

/**
 * Returns the totals over the `length` days that end `delay` days before the day of `at`, that day included. With a
 * delay, the labels of that last day are still arriving, so only its known frauds count as transactions.
 * @param at epoch ms.
 */
export function merchantTotals(profile: MerchantProfile, at: number, length: number, delay: number): MerchantTotals {
  const last = Math.floor(at / DAY_MS) - delay;
  const totals: MerchantTotals = { count: 0, frauds: 0, unexplained: 0 };
  // Loops by index from the end: this runs several times a decision, and destructuring costs more than the sums.
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

/** The latest run of days on which a merchant's payments look compromised. */
export interface FraudStreak {
  /** Number of unexplained frauds of the streak; 0 without a streak. */
  frauds: number;
  /** Days from the streak's first day to the day of `at`; `NaN` without a streak. */
  ageDays: number;
  /** Days since the last day with a payment not known to be fraud; `NaN` when no such day is known. */
  daysSinceGenuine: number;
}

/**
 * Returns the streak of a compromised merchant: the latest days with payments, up to `delay` days before `at`, on which
 * unexplained frauds were at least half of the payments. A payment without a label counts as genuine, so a day counts
 * only after its labels have arrived. Of the day `delay` days ago, whose labels are arriving, only the frauds count.
 * @param at epoch ms.
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

/** Encodes a merchant's counters as JSON. */
export function encodeMerchantProfile(profile: MerchantProfile): string {
  return JSON.stringify([FORMAT, profile.days]);
}

/** Decodes a merchant's counters. @throws TypeError when the format is unknown to this release. */
export function decodeMerchantProfile(text: string): MerchantProfile {
  const [format, days] = JSON.parse(text) as [number, Day[]];
  if (format !== FORMAT)
    throw new TypeError(`A merchant profile of format ${format} is unknown to this code, which reads ${FORMAT}`);
  return { days };
}
