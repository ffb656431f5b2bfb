import type { Label } from './label';
import { DAY_MS } from './profile';

/** What a day says of a merchant: transactions, and how many of that day's are labelled fraud or genuine by now. */
type Day = readonly [day: number, count: number, frauds: number, genuine: number];

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
  const moved = (label: Label): number => Number(after.label === label) - Number(before?.label === label);
  const [frauds, genuine] = [moved('fraud'), moved('genuine')];
  if (count === 0 && frauds === 0 && genuine === 0) return profile;
  const newest = Math.max(profile.days.at(-1)?.[0] ?? day, day);
  if (day <= newest - MERCHANT_DAYS) return profile;
  const kept = profile.days.filter(([known]) => known > newest - MERCHANT_DAYS);
  const at = kept.findIndex(([known]) => known >= day);
  const found = at >= 0 && kept[at]?.[0] === day ? kept[at] : undefined;
  const next: Day = found
    ? [day, found[1] + count, found[2] + frauds, found[3] + genuine]
    : [day, count, Math.max(0, frauds), Math.max(0, genuine)];
  const days = [...kept];
  if (found) days[at] = next;
  else days.splice(at < 0 ? days.length : at, 0, next);
  return { days };
}

export interface MerchantTotals {
  count: number;
  frauds: number;
}

/** Totals over the `length` days that end `delay` days before the day of `at`, that day included. */
export function merchantTotals(profile: MerchantProfile, at: number, length: number, delay: number): MerchantTotals {
  const last = Math.floor(at / DAY_MS) - delay;
  const totals: MerchantTotals = { count: 0, frauds: 0 };
  for (const [day, count, frauds] of profile.days) {
    if (day > last || day <= last - length) continue;
    totals.count += count;
    totals.frauds += frauds;
  }
  return totals;
}

const FORMAT = 1;

export function encodeMerchantProfile(profile: MerchantProfile): string {
  return JSON.stringify([FORMAT, profile.days]);
}

export function decodeMerchantProfile(text: string): MerchantProfile {
  const [format, days] = JSON.parse(text) as [number, Day[]];
  if (format !== FORMAT)
    throw new TypeError(`A merchant profile of format ${format} is newer than this code, which reads ${FORMAT}`);
  return { days };
}
