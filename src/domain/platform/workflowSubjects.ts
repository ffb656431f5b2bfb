/** What the parts of a workflow's id are, by its first part: `cart/<userId>/<cartNumber>`. */
const parts: Readonly<Record<string, readonly string[]>> = {
  alert: ['deviceId', 'alertId'],
  archive: ['date'],
  cart: ['userId', 'cartNumber'],
  checkout: ['checkoutId'],
  erase: ['deviceId'],
  'fan-out': ['postId'],
  investigation: ['transactionId'],
  relation: ['readerId', 'authorId'],
  retract: ['postId'],
  season: ['gameId', 'season'],
  shard: ['stream'],
  stream: ['stream'],
  turn: ['authorId'],
};

/** The ids that a workflow is about, for its log lines: `{ transactionId }` of `investigation/<transactionId>`. */
export function subjectsOf(workflowId: string): Record<string, string> {
  const [kind = '', ...values] = workflowId.split('/');
  return Object.fromEntries((parts[kind] ?? []).flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i]]])));
}
