/**
 * `quick`: workflows that ended badly since the last look, standing workflows, open rows of an index and of one page of
 * each other list. `full`: every open row against the running workflows.
 */
export const lookModes = ['quick', 'full'] as const;
export type LookMode = (typeof lookModes)[number];

/** What one look of the reconciler found and did. */
export interface LookReport {
  /** Open rows, workflows that ended badly, and standing workflows that were looked at. */
  checked: number;
  /** The same by workflow type. Looks of releases before this one kept no such counts. */
  checkedByType?: Record<string, number>;
  /** Workflows that were started again, by workflow type. */
  restarted: Record<string, number>;
  /** Workflows that were terminated because the lifecycle of their row had ended. */
  terminated: number;
  /** Workflows that failed again and again; the quick look leaves them to the full look. */
  postponed: number;
}

/** The last look of a mode that came to its end. */
export interface LastLook extends LookReport {
  /** When it began, epoch ms. What ended before is done with. */
  startedAt: number;
  /** Epoch ms. */
  finishedAt: number;
  /** By workflow type: where the next quick look goes on in a list of open rows that it goes through a page a look. */
  nextPages?: Record<string, string>;
}

export const emptyReport = (): LookReport => ({
  checked: 0,
  checkedByType: {},
  restarted: {},
  terminated: 0,
  postponed: 0,
});

/** What the looks of about an hour did. */
export interface ReconcilerReport {
  looks: number;
  /** Workflows that were started again, by type. */
  restarted: Record<string, number>;
}
