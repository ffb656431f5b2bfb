import { extractFeatures, type Features, LABEL_DELAY_DAYS } from './features';
import { applyHistoryChange, emptyMerchantProfile, type HistoryRecord, type MerchantProfile } from './merchantProfile';
import { applyTransaction, DAY_MS, emptyUserProfile, isUnusuallyHigh, type UserProfile } from './profile';
import type { Transaction } from './transaction';

export interface LabelledTransaction {
  transaction: Transaction;
  fraud: boolean;
}

/**
 * Replays transactions in time order through the very functions that serve: profiles move on after each, and
 * merchants learn of a fraud once its label is due.
 * @param labelDelayDays days from a fraud to the knowledge of it; the default is what serving assumes.
 * @returns each transaction with its features as they were just before it, computed when asked for.
 */
export function* replay<T extends LabelledTransaction>(
  transactions: Iterable<T>,
  labelDelayDays = LABEL_DELAY_DAYS,
): Generator<{ one: T; features(): Features }> {
  const users = new Map<string, UserProfile>();
  const merchants = new Map<string, MerchantProfile>();
  const labels: { merchantId: string; record: HistoryRecord }[] = [];
  let learned = 0;
  const merchantOf = (id: string) => merchants.get(id) ?? emptyMerchantProfile();
  for (const one of transactions) {
    const { userId, merchantId, timestamp } = one.transaction;
    for (let label = labels[learned]; label && label.record.timestamp <= timestamp - labelDelayDays * DAY_MS; label = labels[++learned])
      merchants.set(label.merchantId, applyHistoryChange(merchantOf(label.merchantId), { before: label.record, after: { ...label.record, label: 'fraud' } }));
    const user = users.get(userId) ?? emptyUserProfile();
    const merchant = merchantOf(merchantId);
    yield { one, features: () => extractFeatures(one.transaction, user, merchant) };
    users.set(userId, applyTransaction(user, one.transaction));
    const record = { timestamp, unusualAmount: isUnusuallyHigh(user, one.transaction) };
    merchants.set(merchantId, applyHistoryChange(merchant, { after: record }));
    if (one.fraud) labels.push({ merchantId, record });
  }
}
