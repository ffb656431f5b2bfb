import { extractFeatures, type Features, LABEL_DELAY_DAYS } from './features';
import { applyHistoryChange, emptyMerchantProfile, type HistoryRecord, type MerchantProfile } from './merchantProfile';
import { applyTransaction, DAY_MS, emptyUserProfile, isUnusuallyHigh, type UserProfile } from './profile';
import type { Transaction } from './transaction';

/**
 * Replays transactions in order of time through the same functions that serve requests. Each transaction updates the
 * profiles, and a merchant's counters include a fraud once its label is due. Memory: one bounded profile per user and
 * merchant, and the frauds of the label delay.
 */
export class Replay {
  private readonly users = new Map<string, UserProfile>();
  private readonly merchants = new Map<string, MerchantProfile>();
  private labels: { merchantId: string; record: HistoryRecord }[] = [];
  private learned = 0;

  /** @param labelDelayMs from a fraud until its label is known; the default is the delay in serving. */
  constructor(private readonly labelDelayMs = LABEL_DELAY_DAYS * DAY_MS) {}

  /**
   * Adds the next transaction.
   * @param fraud undefined when the label is not known.
   * @returns a function that computes the features as they were just before the transaction.
   */
  take(transaction: Transaction, fraud: boolean | undefined): () => Features {
    const { userId, merchantId, timestamp } = transaction;
    this.learn(timestamp - this.labelDelayMs);
    const user = this.users.get(userId) ?? emptyUserProfile();
    const merchant = this.merchants.get(merchantId) ?? emptyMerchantProfile();
    this.users.set(userId, applyTransaction(user, transaction));
    const record = { timestamp, unusualAmount: isUnusuallyHigh(user, transaction) };
    this.merchants.set(merchantId, applyHistoryChange(merchant, { after: record }));
    if (fraud === true) this.labels.push({ merchantId, record });
    return () => extractFeatures(transaction, user, merchant);
  }

  private learn(until: number): void {
    for (
      let label = this.labels[this.learned];
      label && label.record.timestamp <= until;
      label = this.labels[++this.learned]
    ) {
      const { merchantId, record } = label;
      const merchant = this.merchants.get(merchantId) ?? emptyMerchantProfile();
      this.merchants.set(
        merchantId,
        applyHistoryChange(merchant, { before: record, after: { ...record, label: 'fraud' } }),
      );
    }
    if (this.learned < 1_000) return;
    this.labels = this.labels.slice(this.learned);
    this.learned = 0;
  }
}
