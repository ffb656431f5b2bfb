/** `quick`: workflows that ended badly since the last look, and standing workflows. `full`: every open row against the running workflows. */
export const lookModes = ['quick', 'full'] as const;
export type LookMode = (typeof lookModes)[number];

/** What one look of the reconciler found and did. */
export interface LookReport {
  /** Open rows, workflows that ended badly, and standing workflows that were looked at. */
  checked: number;
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
}

export const emptyReport = (): LookReport => ({ checked: 0, restarted: {}, terminated: 0, postponed: 0 });
