/** How a workflow type handles a cancellation, and how it is restarted after it was terminated, failed or timed out. */
export interface LifecycleRule {
  /**
   * `continues`: the workflow records a cancellation on its page and otherwise ignores it, because a row waits for its
   * end.
   * `stops`: an operator may cancel this job, because no row waits for it and it can be started again.
   */
  cancelled: 'continues' | 'stops';
  /**
   * How a lost workflow is restarted. `row`: by the reconciler, from the open row. `input`: by the reconciler, with the
   * input of the last run, because no row shows that it is open. `standing`: by the reconciler, which starts it as
   * every worker does. `parent`: by the parent workflow. `schedule`: by its next scheduled run. `nobody`: only by a new
   * request.
   */
  restartedBy: 'row' | 'input' | 'standing' | 'parent' | 'schedule' | 'nobody';
  /**
   * The reaction to a permanently refused step (a value that DynamoDB cannot store, a missing grant). `holds`: the
   * workflow reports it on its page and retries the step after a growing pause. `fails`: the workflow fails, which the
   * Web UI and the metrics show; no other work waits for it. `itself`: the workflow has its own handling.
   */
  refused: 'holds' | 'fails' | 'itself';
  /** What an operator does instead of cancelling or terminating; a sentence for the workflow's page. */
  instead: string;
}

/** The rule of a workflow that never ends and that every worker starts. */
export const standing = (instead: string): LifecycleRule => ({
  cancelled: 'continues',
  restartedBy: 'standing',
  refused: 'holds',
  instead,
});
/** The rule of a workflow that belongs to an open row. */
export const rowed = (instead: string, refused: LifecycleRule['refused'] = 'holds'): LifecycleRule => ({
  cancelled: 'continues',
  restartedBy: 'row',
  refused,
  instead,
});
/** The rule of a workflow without a row, which the reconciler restarts with its input. */
export const repeated = (instead: string): LifecycleRule => ({
  cancelled: 'continues',
  restartedBy: 'input',
  refused: 'holds',
  instead,
});
/** The rule of a child workflow, which its parent restarts. */
export const child = (instead: string, refused: LifecycleRule['refused'] = 'holds'): LifecycleRule => ({
  cancelled: 'continues',
  restartedBy: 'parent',
  refused,
  instead,
});
/** The rule of a job that may be cancelled. */
export const job = (
  restartedBy: 'schedule' | 'nobody',
  instead: string,
  refused: LifecycleRule['refused'] = 'fails',
): LifecycleRule => ({ cancelled: 'stops', restartedBy, refused, instead });

/** The lifecycle rules by workflow type. */
export type Lifecycles = Readonly<Record<string, LifecycleRule>>;
