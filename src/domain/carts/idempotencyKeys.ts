/** Digests of idempotency keys, with the cart version that each request made. */
export type IdempotencyKeys = Readonly<Record<string, number>>;

/** With this many idempotency keys in a cart, the next change keeps only the newest. */
export const MAX_KEYS = 32;
/** Number of keys that remain. */
const KEPT_KEYS = 8;

/** Returns the keys that a cart keeps when another one is added: all, or the newest if it is full. */
export function keptKeys(keys: IdempotencyKeys): IdempotencyKeys {
  const entries = Object.entries(keys);
  if (entries.length < MAX_KEYS) return keys;
  return Object.fromEntries(entries.sort(([, a], [, b]) => b - a).slice(0, KEPT_KEYS));
}
