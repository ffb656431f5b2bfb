import { applyHistoryChange, type MerchantProfile } from '../../domain/fraud/merchantProfile';
import type { ItemChange } from '../../gateways/streams/tableStream';
import type { MerchantStore, VersionedMerchant } from '../../stores/fraud/merchants';
import { faultOf } from '../../stores/items';
import { historyRecord } from '../../stores/fraud/transactionItems';
import type { TransactItem } from '../../stores/platform/outbox';
import type { Folding } from '../platform/streams/foldingHandler';

/** Makes the folding of `TransactionHistory` changes into the counters of the merchants. */
export function merchantCounters(merchants: MerchantStore): Folding<ItemChange> {
  return {
    key: ({ after }) => merchantOf(after),
    check({ before, after }) {
      if (!after) return undefined; // Retention deletes items; the counters stay.
      return faultOf(historyRecord, before ?? after, after);
    },
    async effects(changes): Promise<TransactItem[]> {
      const folded = new Map<string, { before: VersionedMerchant; after: MerchantProfile }>();
      const ids = [...new Set(changes.map(({ after }) => merchantOf(after)).filter((id) => id !== ''))];
      if (ids.length === 0) return [];
      for (const [id, before] of await merchants.read(ids)) folded.set(id, { before, after: before.profile });
      for (const { before, after } of changes) {
        const known = folded.get(merchantOf(after));
        if (!known || !after) continue;
        known.after = applyHistoryChange(known.after, {
          ...(before && { before: historyRecord(before) }),
          after: historyRecord(after),
        });
      }
      return [...folded]
        .filter(([, { before, after }]) => after !== before.profile)
        .map(([id, { before, after }]) => merchants.replace(id, before, after));
    },
  };
}

const merchantOf = (image: ItemChange['after']): string => (image ? historyRecord(image).merchantId : '');
