import type { StreamRecord } from '../../../gateways/streams/source';
import type { TransactItem } from '../../../stores/platform/outbox';
import type { StreamHandler } from './streamHandler';

/** Records that fold into counters: many records of one key change one item. */
export interface Folding<T> {
  /** Records of one key fold into one item. */
  key(data: T): string;
  /** Why a record cannot be processed, or undefined. */
  check(data: T): string | undefined;
  /** The writes that a batch causes, from what is stored now: one a key, or as many as fewer keys leave room for. */
  effects(batch: readonly T[]): Promise<TransactItem[]>;
}

/** A transaction takes 100 items; the checkpoint is one, and there is room for more. */
const BATCH_KEYS = 80;
const BATCH_RECORDS = 1_000;

/**
 * A handler whose effects are counted exactly once: written in one transaction with the checkpoint.
 * @param batchKeys of one batch at most; fewer where a key takes more than one item.
 */
export function foldingHandler<T>(folding: Folding<T>, batchKeys = BATCH_KEYS): StreamHandler<T> {
  return {
    *batches(records) {
      let batch: StreamRecord<T>[] = [];
      let keys = new Set<string>();
      for (const record of records) {
        const key = folding.check(record.data) === undefined ? folding.key(record.data) : undefined;
        if (batch.length >= BATCH_RECORDS || (key !== undefined && keys.size >= batchKeys && !keys.has(key))) {
          yield batch;
          [batch, keys] = [[], new Set()];
        }
        batch.push(record);
        if (key !== undefined) keys.add(key);
      }
      if (batch.length > 0) yield batch;
    },
    async handle(batch) {
      const checked = batch.map((record) => ({ record, reason: folding.check(record.data) }));
      const poison = checked.flatMap(({ record, reason }) => (reason === undefined ? [] : [{ record, reason }]));
      const good = checked.filter(({ reason }) => reason === undefined).map(({ record }) => record.data);
      return { effects: await folding.effects(good), poison, counts: { counted: good.length } };
    },
  };
}
