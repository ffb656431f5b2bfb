/**
 * The modes of a reconciliation. `quick`: checks the workflows that ended badly since the last reconciliation, the
 * standing workflows, the open rows of an index, and one page of every other list of open rows. `full`: compares every
 * open row with the running workflows.
 */
export const reconciliationModes = ['quick', 'full'] as const;
/** One of {@link reconciliationModes}. */
export type ReconciliationMode = (typeof reconciliationModes)[number];

/** The result of one reconciliation. */
export interface ReconciliationCounts {
  /** Number of checked open rows, workflows that ended badly, and standing workflows. */
  checked: number;
  /** The same by workflow type; absent in the reports of older releases. */
  checkedByType?: Record<string, number>;
  /** Number of restarted workflows, by workflow type. */
  restarted: Record<string, number>;
  /** Number of workflows that were terminated because the lifecycle of their row had ended. */
  terminated: number;
  /** Number of workflows left to a later reconciliation: they fail repeatedly, or could not be checked or restarted. */
  postponed: number;
}

/** The last completed reconciliation of a mode. */
export interface ReconciliationReport extends ReconciliationCounts {
  /** Epoch ms of its start. The next reconciliation does not check workflows that ended before. */
  startedAt: number;
  /** Epoch ms. */
  finishedAt: number;
  /** By workflow type: the page of a list of open rows at which the next quick reconciliation continues. */
  nextPages?: Record<string, string>;
}

/** Returns the report of a reconciliation that has not checked anything. */
export const emptyReport = (): ReconciliationCounts => ({
  checked: 0,
  checkedByType: {},
  restarted: {},
  terminated: 0,
  postponed: 0,
});

/** The result of the `reconciler` workflow's run, about an hour of reconciliations. */
export interface ReconcilerReport {
  /** Number of reconciliations. */
  looks: number;
  /** Number of restarted workflows, by type. */
  restarted: Record<string, number>;
}

/**
 * The quick reconciliation restarts a workflow that fails at most this often. After that it leaves the workflow to the
 * full reconciliation.
 */
const MAX_QUICK_RESTARTS = 3;

/** Returns whether only the full reconciliation restarts a workflow, because it fails again and again. */
export const keepsFailing = ({ status, restarts }: { status: string; restarts: number }): boolean =>
  (status === 'FAILED' || status === 'TIMED_OUT') && restarts >= MAX_QUICK_RESTARTS;
