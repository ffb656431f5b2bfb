import type { Carrier } from './carrier';

/** A workflow start that is owed. Small facts only; the reuse policy is fixed: an id is started at most once. */
export interface OwedStart {
  workflowId: string;
  workflowType: string;
  taskQueue: string;
  args: unknown[];
  /** One line for the Web UI's list, Markdown. */
  summary: string;
  /** Typed search attributes by name (see workflows/searchAttributes.ts). */
  searchAttributes: Record<string, string | number>;
  /** Epoch ms before which there is nothing for it to do: it is started at once, and its first task waits. */
  notBefore?: number;
  /** Of the request that owes it, so that its trace and its id go on whoever starts it, and when. */
  carrier?: Carrier;
}

/** A transaction that was decided without the model and must be scored once the model is back. */
export interface OwedRescore {
  transactionId: string;
}

export type Debt =
  | { kind: 'start'; start: OwedStart; dueAt: number }
  | { kind: 'rescore'; rescore: OwedRescore; dueAt: number };

/** What is due of one kind of debt. */
export interface Backlog {
  kind: Debt['kind'];
  due: number;
  /** Epoch ms; absent where nothing is due. */
  oldestDueAt?: number;
}

export interface RelayReport {
  started: number;
  rescored: number;
}
