/** The allowed DynamoDB actions by table or index (`Table/Index`): names of actions, separated by spaces. */
export type Grants = Readonly<Record<string, string>>;

/**
 * The DynamoDB actions of a capability's code, by the process that runs it. The AWS stack grants nothing else. The
 * tests refuse every action that is not listed (`test/support/leastPrivilege.ts`), so a new one cannot be forgotten.
 * With `LONGWATCH_RECORD_GRANTS=<file>` the tests record the used actions, and `npm run deploy:grants -- <file>` lists
 * the grants that no test used.
 */
export interface CapabilityGrants {
  /** Actions of every process: its caches and counters, and the outbox entries that it dispatches at once. */
  everywhere?: Grants;
  /** Reads of `/metrics`. Functions serve no metrics. */
  metrics?: Grants;
  /** Actions of every stream reader, in a worker or a function. */
  readers?: Grants;
  routes: Grants;
  activities: Grants;
  /**
   * Actions of each function on the records of its stream or on its event. A worker needs them too if it reads the
   * streams.
   */
  functions?: Readonly<Record<string, Grants>>;
}
