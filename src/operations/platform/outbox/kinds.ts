import type { OutboxEntry } from '../../../domain/platform/outbox';

/** A kind of outbox entries, and how they are dispatched. */
export interface OutboxKind<P = unknown> {
  kind: string;
  /**
   * `soon`: the process that recorded an entry dispatches it at once, so the relay ignores the entry for 3 seconds.
   * `due`: the relay dispatches the entry when it is due.
   */
  dispatched: 'soon' | 'due';
  /** Maximum number of entries in one call of `dispatch`. */
  batch: number;
  /**
   * Dispatches entries. An entry may be dispatched twice.
   * @throws LongwatchError `refused` if one of the entries can never be dispatched; the relay retries after any other
   *   failure
   */
  dispatch(entries: readonly OutboxEntry<P>[]): Promise<void>;
}

/** Removes the payload's type, so that kinds fit into one list. */
export const outboxKind = <P>(kind: OutboxKind<P>): OutboxKind => kind as OutboxKind;
