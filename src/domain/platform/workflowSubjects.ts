/**
 * The meaning of the parts of a workflow id, by its first part: `cart/<userId>/<cartNumber>` is
 * `{ cart: ['userId', 'cartNumber'] }`.
 */
export type WorkflowIds = Readonly<Record<string, readonly string[]>>;

/** Returns the ids in a workflow id, for the workflow's log lines: `{ transactionId }` of `investigation/<id>`. */
export function subjectsOf(ids: WorkflowIds, workflowId: string): Record<string, string> {
  const [kind = '', ...values] = workflowId.split('/');
  const names = Object.hasOwn(ids, kind) ? (ids[kind] ?? []) : [];
  return Object.fromEntries(names.flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i]]])));
}
