import type { StreamRecord } from '../../../gateways/streams/source';
import type { TransactItem } from '../../../stores/platform/outbox';

/** A record that can never be processed. */
export interface Poison<T> {
  record: StreamRecord<T>;
  /** Why, in a sentence that operators read. It contains nothing of the record's content. */
  reason: string;
}

/** The result of handling a batch. */
export interface Handled<T> {
  /**
   * Writes that must happen exactly once, at most 99. The consumer puts them into one transaction with the checkpoint.
   */
  effects: readonly TransactItem[];
  poison: readonly Poison<T>[];
  /** Number of records by result, for metrics and the Web UI. */
  counts: Readonly<Record<string, number>>;
}

/**
 * Processes the records of a stream. A batch may be handled again, completely or in part. A write that the handler
 * makes itself must therefore be idempotent. The handler returns all other writes as `effects`.
 */
export interface StreamHandler<T> {
  /** Splits consecutive records into batches. */
  batches(records: readonly StreamRecord<T>[]): Iterable<StreamRecord<T>[]>;
  /**
   * Processes a batch.
   * @param signal when it aborts, a handler that waits must stop and throw; the batch is then delivered again
   */
  handle(batch: readonly StreamRecord<T>[], signal: AbortSignal): Promise<Handled<T>>;
}

/** Splits records into batches of at most `size` records. */
export function* inBatches<T>(records: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < records.length; i += size) yield records.slice(i, i + size);
}
