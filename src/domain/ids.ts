/**
 * Identifiers that callers choose: 1 to 64 characters out of letters, digits and `_ . : @ -`.
 * `#` is left out because composite DynamoDB sort keys are joined with it, `/` because workflow ids are. "." and ".."
 * are
 * not allowed: a URL's path loses them on the way (RFC 3986, 5.2.4), so that `/v1/carts/../items/x` would be another
 * resource's address. The names that JavaScript objects already have (see edge/text.ts) are not allowed either: an id
 * is also a property name in places, such as the lines of a cart.
 */
export const ID_PATTERN = /^(?!\.{1,2}$|__proto__$|constructor$|prototype$)[A-Za-z0-9_.:@-]{1,64}$/;
export const ID_RULE =
  'must be 1 to 64 characters out of letters, digits, "_", ".", ":", "@" and "-", and not ".", "..", ' +
  '"__proto__", "constructor" or "prototype"';

/** Joins the parts of a composite sort key; parts that callers choose cannot contain `#` (see ID_PATTERN). */
export function compositeKey(...parts: readonly (string | number)[]): string {
  return parts.join('#');
}

/** Epoch milliseconds as a sortable ISO 8601 UTC string, the form of every instant at the edges. */
export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
