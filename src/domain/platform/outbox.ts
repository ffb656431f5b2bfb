import type { Carrier } from './carrier';

/**
 * An entry of the transactional outbox, the `Starts` table: an action outside DynamoDB that a write makes necessary.
 * The write and its entry are one transaction, so a crash in between loses nothing. The entry is dispatched at least
 * once.
 */
export interface OutboxEntry<P = unknown> {
  /** Selects how the entry is dispatched; also the name of the payload's attribute. Capabilities register kinds. */
  kind: string;
  /** Unique among the entries of its kind. */
  id: string;
  payload: P;
  /** Epoch ms from which the outbox relay may dispatch the entry. */
  dueAt: number;
  /** The trace and the request that recorded the entry; its dispatch continues them. */
  carrier?: Carrier;
}

/** A workflow to start. A workflow id is started at most once, even if the entry is dispatched again. */
export interface WorkflowStart {
  workflowId: string;
  workflowType: string;
  taskQueue: string;
  args: unknown[];
  /** One line for the Web UI's list, Markdown. */
  summary: string;
  /** Typed search attributes by name (see searchAttributes.ts). */
  searchAttributes: Record<string, string | number>;
  /** Epoch ms at which the first workflow task may run. The workflow itself is started at once. */
  notBefore?: number;
  /** The entry's carrier, where the previous release stored it. */
  carrier?: Carrier;
}

/** A signal to a workflow, sent at least once. It is lost if the workflow is not running. */
export interface WorkflowSignal {
  workflowId: string;
  signal: string;
  args: unknown[];
}

/** The kind of an entry that starts a workflow. */
export const START_KIND = 'start';
/** The kind of an entry that sends a signal. */
export const SIGNAL_KIND = 'signal';

/** Returns the entry of a workflow to start. @param dueAt epoch ms. */
export const startEntry = (start: WorkflowStart, dueAt: number): OutboxEntry<WorkflowStart> => ({
  kind: START_KIND,
  id: start.workflowId,
  payload: start,
  dueAt,
});

/**
 * Returns the entry of a signal to send. @param id distinguishes the signals to one workflow. @param dueAt epoch ms.
 */
export const signalEntry = (signal: WorkflowSignal, id: string, dueAt: number): OutboxEntry<WorkflowSignal> => ({
  kind: SIGNAL_KIND,
  id,
  payload: signal,
  dueAt,
});

/** The due entries of one kind. */
export interface Backlog {
  kind: string;
  due: number;
  /** Epoch ms; absent when no entry is due. */
  oldestDueAt?: number;
}

/** The result of one attempt of the outbox relay. */
export interface RelayReport {
  /** Number of dispatched entries, by kind. */
  dispatched: Record<string, number>;
}
