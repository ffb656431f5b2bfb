import type { OutboxEntry } from '../../../domain/platform/outbox';

/** How the entries of one kind are dispatched. */
export interface OutboxKind<P = unknown> {
  kind: string;
  /**
   * `soon`: the process that recorded an entry dispatches it at once, so the relay leaves the entry alone for some
   * seconds.
   * `due`: the relay dispatches the entry when it is due.
   */
  dispatched: 'soon' | 'due';
  /** The most entries of one call. */
  batch: number;
  /**
   * Dispatches entries. An entry may be dispatched twice.
   * @throws LongwatchError `refused` where one of the entries will never be taken; any other failure is retried.
   */
  dispatch(entries: readonly OutboxEntry<P>[]): Promise<void>;
}

/** Erases the payload's type, which only the kind itself knows. */
export const outboxKind = <P>(kind: OutboxKind<P>): OutboxKind => kind as OutboxKind;
