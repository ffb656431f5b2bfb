import type { WorkflowStart } from '../../../domain/platform/outbox';

/** A row whose lifecycle is open. */
export interface OpenRow {
  /** Id of the workflow that runs the row's lifecycle. */
  workflowId: string;
  /**
   * When the row was opened, epoch ms. The reconciler skips a row that is younger than its grace period, because the
   * start of its workflow may still wait in the outbox.
   */
  since: number;
}

/**
 * The rows of a capability whose lifecycles run in workflows of one type. The reconciler reads them through this
 * interface.
 */
export interface ReconciledRows {
  workflowType: string;
  /**
   * How open rows are found. `index`: an index lists only open rows, and each quick reconciliation checks all of them.
   * `pages`: queries or scans also read ended rows, so each quick reconciliation checks one page. Then its cost does
   * not depend on the table's size.
   */
  foundBy: 'index' | 'pages';
  /**
   * Whether the workflow carries the state of its row and writes it. A reset rewinds the workflow and not the row, so
   * the reconciler replaces a workflow that was reset by one that starts from the row. Workflows of other types read
   * their row at each step.
   */
  carriesState?: boolean;
  /**
   * Returns a page of open rows. The read is eventually consistent, so the reconciler reads a row again before it acts.
   */
  open(cursor: string | undefined): Promise<{ items: readonly OpenRow[]; cursor?: string }>;
  /**
   * Returns the start of a workflow that continues from the row's state. The read is strongly consistent.
   * @param why how the previous workflow ended, such as `terminated`
   * @returns undefined if the lifecycle of the row has ended, or the row does not exist
   */
  startOf(workflowId: string, why: string): Promise<WorkflowStart | undefined>;
  /**
   * Returns why a running workflow has nothing left to do. Only for workflow types that do not detect this by
   * themselves. The read is strongly consistent.
   * @returns a sentence, or undefined while the lifecycle of the row is open or ended less than `graceMs` milliseconds
   *   ago
   */
  endedBecause?(workflowId: string, graceMs: number): Promise<string | undefined>;
}
