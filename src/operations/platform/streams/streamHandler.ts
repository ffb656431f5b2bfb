import type { StreamRecord } from '../../../gateways/streams/source';
import type { TransactItem } from '../../../stores/platform/outbox';

/** A record that cannot be processed, ever. */
export interface Poison<T> {
  record: StreamRecord<T>;
  /** A sentence for people, without the record's own content. */
  reason: string;
}

/** What became of a batch. */
export interface Handled<T> {
  /** Writes that must happen exactly once: they go into one transaction with the checkpoint, at most 99. */
  effects: readonly TransactItem[];
  poison: readonly Poison<T>[];
  /** Records by what became of them, for metrics and the Web UI. */
  counts: Readonly<Record<string, number>>;
}

/**
 * What becomes of a stream's records. A batch may be handled again, wholly or in part: what a handler writes itself
 * must be the same when it is written twice, and what would not be, it returns as `effects`.
 */
export interface StreamHandler<T> {
  /** Consecutive records, cut into batches. */
  batches(records: readonly StreamRecord<T>[]): Iterable<StreamRecord<T>[]>;
  /** @param signal aborted when a handler that waits for something is to give up and throw: the batch comes again. */
  handle(batch: readonly StreamRecord<T>[], signal: AbortSignal): Promise<Handled<T>>;
}

/** Batches of at most so many records. */
export function* inPieces<T>(records: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < records.length; i += size) yield records.slice(i, i + size);
}
