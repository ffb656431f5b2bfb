/**
 * What may be done to a table or to one of its indexes (`Table/Index`): DynamoDB's own action names, separated by
 * blanks.
 */
export type Grants = Readonly<Record<string, string>>;

/**
 * What a capability's code does to tables, by the process that runs it. Nothing else is granted on AWS. The tests
 * refuse every
 * call that is not listed (`test/support/leastPrivilege.ts`), so a new call cannot be forgotten;
 * `LONGWATCH_RECORD_GRANTS=<file>` makes the tests record what was used, and `npm run deploy:grants -- <file>` lists
 * grants that
 * nothing used.
 */
export interface CapabilityGrants {
  /** Every process: what it keeps in memory and counts, outbox entries that it dispatches at once. */
  everywhere?: Grants;
  /** What `/metrics` reads. Functions have no metrics. */
  metrics?: Grants;
  /** Every reader of a stream, worker or function. */
  readers?: Grants;
  routes: Grants;
  activities: Grants;
  /**
   * What becomes of a stream's records, or of an event, by function. Workers do the same where they read the streams.
   */
  functions?: Readonly<Record<string, Grants>>;
}
