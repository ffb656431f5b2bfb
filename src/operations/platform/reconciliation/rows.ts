import type { WorkflowStart } from '../../../domain/platform/outbox';

/** A row whose lifecycle is open. */
export interface OpenRow {
  /** Of the workflow that belongs to it. */
  workflowId: string;
  /**
   * When it was opened, epoch ms. A row that is younger than the reconciler's grace is left alone: its start may still
   * be owed.
   */
  since: number;
}

/** The rows of a capability whose lifecycles run in workflows of one type, as the reconciler sees them. */
export interface ReconciledRows {
  workflowType: string;
  /**
   * How open rows are found. `index`: an index lists nothing else, and the quick look goes through all of it. `pages`:
   * by
   * queries or scans that read ended rows, too. The quick look takes one page a look, so that a look of any table costs
   * the same.
   */
  foundBy: 'index' | 'pages';
  /**
   * The workflow carries the state of its row, and writes it. A reset rewinds the one and not the other, so that a
   * workflow
   * which was reset is replaced by one that starts from the row. Types without this read their row at each step.
   */
  carriesState?: boolean;
  /** A page of open rows. Eventually consistent; each row is read again before anything is done about it. */
  open(cursor: string | undefined): Promise<{ items: readonly OpenRow[]; cursor?: string }>;
  /**
   * The start of a workflow that goes on where the row stands. Strongly consistent.
   * @param why What became of the workflow before, e.g. `terminated`.
   * @returns undefined when the lifecycle of the row has ended, or there is no row.
   */
  startOf(workflowId: string, why: string): Promise<WorkflowStart | undefined>;
  /**
   * Why a running workflow has nothing left to do, for types that would not find out by themselves. Strongly
   * consistent.
   * @returns a sentence, or undefined while the lifecycle of the row is open or has ended less than `graceMs` ago.
   */
  endedBecause?(workflowId: string, graceMs: number): Promise<string | undefined>;
}
