/** Which ids of a capability's requests its log lines show: of things, never of secrets. */
export interface RequestIds {
  /** Path parameters and body fields that are ids. */
  names: readonly string[];
  /** What `:id` is, by the collection before it: `{ posts: 'postId' }` for `/v1/posts/:id`. */
  collections?: Readonly<Record<string, string>>;
}

/** The ids that a validated request is about. */
export function idsOfRequest(
  route: string,
  { names, collections = {} }: RequestIds,
  ...parts: readonly unknown[]
): Record<string, string> {
  const ids: Record<string, string> = {};
  const collection = /^\/v1\/([a-z-]+)\/:id(\/|$)/.exec(route)?.[1] ?? '';
  for (const part of parts) {
    if (typeof part !== 'object' || part === null) continue;
    const values = part as Record<string, unknown>;
    for (const name of names) if (typeof values[name] === 'string') ids[name] = values[name];
    const named = collections[collection];
    if (named !== undefined && typeof values['id'] === 'string') ids[named] ??= values['id'];
  }
  return ids;
}
