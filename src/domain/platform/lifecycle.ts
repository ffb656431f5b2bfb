/** How a workflow type answers a cancellation, and who starts it again when it was terminated, failed or timed out. */
export interface LifecycleRule {
  /**
   * `continues`: a cancellation is noted on the workflow's page and changes nothing else, because a row waits for the
   * end.
   * `stops`: a person may stop this job; no row waits for it, and it can be started again.
   */
  cancelled: 'continues' | 'stops';
  /**
   * `row`: the reconciler, from the stored row. `input`: the reconciler, with the input of the last run, because no row
   * says that it is open. `standing`: the reconciler, as every worker starts it. `parent`: the workflow that started
   * it.
   * `schedule`: its next scheduled run. `nobody`: whoever wants it asks for it again.
   */
  restartedBy: 'row' | 'input' | 'standing' | 'parent' | 'schedule' | 'nobody';
  /**
   * Where a step is refused for good (a value that DynamoDB does not store, a missing grant). `holds`: the workflow
   * says so on
   * its page and takes the step anew after a growing pause. `fails`: it fails, which the Web UI and the metrics show,
   * and holds
   * back nobody else. `itself`: the workflow has its own answer.
   */
  refused: 'holds' | 'fails' | 'itself';
  /** What a person does instead of cancelling or terminating; a sentence for the workflow's page. */
  instead: string;
}

export const standing = (instead: string): LifecycleRule => ({
  cancelled: 'continues',
  restartedBy: 'standing',
  refused: 'holds',
  instead,
});
export const rowed = (instead: string, refused: LifecycleRule['refused'] = 'holds'): LifecycleRule => ({
  cancelled: 'continues',
  restartedBy: 'row',
  refused,
  instead,
});
export const repeated = (instead: string): LifecycleRule => ({
  cancelled: 'continues',
  restartedBy: 'input',
  refused: 'holds',
  instead,
});
export const child = (instead: string, refused: LifecycleRule['refused'] = 'holds'): LifecycleRule => ({
  cancelled: 'continues',
  restartedBy: 'parent',
  refused,
  instead,
});
export const job = (
  restartedBy: 'schedule' | 'nobody',
  instead: string,
  refused: LifecycleRule['refused'] = 'fails',
): LifecycleRule => ({ cancelled: 'stops', restartedBy, refused, instead });

/** Rules by workflow type. */
export type Lifecycles = Readonly<Record<string, LifecycleRule>>;
