/**
 * What the parts of a workflow's id are, by its first part: `cart/<userId>/<cartNumber>` is `{ cart: ['userId',
 * 'cartNumber'] }`.
 */
export type WorkflowIds = Readonly<Record<string, readonly string[]>>;

/** The ids that a workflow is about, for its log lines: `{ transactionId }` of `investigation/<transactionId>`. */
export function subjectsOf(ids: WorkflowIds, workflowId: string): Record<string, string> {
  const [kind = '', ...values] = workflowId.split('/');
  const names = Object.hasOwn(ids, kind) ? (ids[kind] ?? []) : [];
  return Object.fromEntries(names.flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i]]])));
}
