import type { Carrier } from './carrier';

/**
 * The transactional outbox, kept in the `Starts` table: what must happen outside DynamoDB because of a write. An entry
 * is
 * recorded in the same transaction as that write, so a crash in between loses nothing, and is dispatched at least once.
 */
export interface OutboxEntry<P = unknown> {
  /**
   * Says how the entry is dispatched, and is the name of the payload's field in the table. Capabilities register kinds.
   */
  kind: string;
  /** Unique among the entries of its kind. */
  id: string;
  payload: P;
  /** When the relay may dispatch the entry, epoch ms. */
  dueAt: number;
  /** The trace and the request that recorded the entry; its dispatch continues them. */
  carrier?: Carrier;
}

/** A workflow to start. The id is started at most once, whatever happens. */
export interface WorkflowStart {
  workflowId: string;
  workflowType: string;
  taskQueue: string;
  args: unknown[];
  /** One line for the Web UI's list, Markdown. */
  summary: string;
  /** Typed search attributes by name (see searchAttributes.ts). */
  searchAttributes: Record<string, string | number>;
  /** When the first workflow task may run, epoch ms. The workflow itself is started at once. */
  notBefore?: number;
  /** Where the last release kept the entry's carrier. */
  carrier?: Carrier;
}

/** A signal to a workflow, sent at least once. A workflow that does not run, or has yet to start, gets none. */
export interface WorkflowSignal {
  workflowId: string;
  signal: string;
  args: unknown[];
}

export const START_KIND = 'start';
export const SIGNAL_KIND = 'signal';

/** The entry of a workflow to start. */
export const startEntry = (start: WorkflowStart, dueAt: number): OutboxEntry<WorkflowStart> => ({
  kind: START_KIND,
  id: start.workflowId,
  payload: start,
  dueAt,
});

/** The entry of a signal to send. @param id tells the signals to one workflow apart. */
export const signalEntry = (signal: WorkflowSignal, id: string, dueAt: number): OutboxEntry<WorkflowSignal> => ({
  kind: SIGNAL_KIND,
  id,
  payload: signal,
  dueAt,
});

/** Entries of one kind that are due. */
export interface Backlog {
  kind: string;
  due: number;
  /** Epoch ms; absent where no entry is due. */
  oldestDueAt?: number;
}

/** What one attempt of the relay did. */
export interface RelayReport {
  /** Entries that were dispatched, by kind. */
  dispatched: Record<string, number>;
}
