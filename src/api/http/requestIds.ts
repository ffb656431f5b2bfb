/** Names of ids that a request may have in its path or body and its log lines show: of things, never of secrets. */
const shown = ['transactionId', 'userId', 'merchantId', 'deviceId', 'postId', 'checkoutId', 'gameId', 'playerId', 'submissionId', 'productId', 'date'] as const;

/** What `:id` is, by the collection before it. */
const collections: Readonly<Record<string, string>> = { transactions: 'transactionId', investigations: 'transactionId', posts: 'postId', checkouts: 'checkoutId', products: 'productId' };

/** The ids that a validated request is about. */
export function idsOfRequest(route: string, ...parts: readonly unknown[]): Record<string, string> {
  const ids: Record<string, string> = {};
  const collection = /^\/v1\/([a-z-]+)\/:id(\/|$)/.exec(route)?.[1] ?? '';
  for (const part of parts) {
    if (typeof part !== 'object' || part === null) continue;
    const values = part as Record<string, unknown>;
    for (const name of shown) if (typeof values[name] === 'string') ids[name] = values[name];
    const named = collections[collection];
    if (named !== undefined && typeof values['id'] === 'string') ids[named] ??= values['id'];
  }
  return ids;
}
