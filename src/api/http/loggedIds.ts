/** Declares which ids of a capability's requests appear in log lines. They must never be secrets. */
export interface RequestIds {
  /** Names of the path parameters and body fields that are ids. */
  names: readonly string[];
  /** Names the parameter `:id` by the collection before it: `{ posts: 'postId' }` for `/v1/posts/:id`. */
  collections?: Readonly<Record<string, string>>;
}

/** Returns the ids in the validated parts of a request. */
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
