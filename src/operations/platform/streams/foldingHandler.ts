import type { StreamRecord } from '../../../gateways/streams/source';
import type { TransactItem } from '../../../stores/platform/outbox';
import type { StreamHandler } from './streamHandler';

/** How records are folded into counters: many records with the same key change one item. */
export interface Folding<T> {
  /** Returns the key of a record. Records with the same key change the same item. */
  key(data: T): string;
  /** Returns why a record cannot be processed, or undefined if it can. */
  check(data: T): string | undefined;
  /**
   * Reads the stored counters and returns the writes of a batch. One write per key, or several if `batchKeys` leaves
   * room.
   */
  effects(batch: readonly T[]): Promise<TransactItem[]>;
}

/**
 * Default maximum of keys per batch. A transaction has at most 100 items, one of them the checkpoint; the rest is
 * reserve.
 */
const BATCH_KEYS = 80;
const BATCH_RECORDS = 1_000;

/**
 * Makes a handler that counts each record exactly once, because its effects are in one transaction with the checkpoint.
 * @param batchKeys maximum number of keys per batch; pass fewer if a key needs more than one item
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
