/**
 * Identifiers that callers choose: 1 to 64 characters out of letters, digits and `_ . : @ -`.
 * `#` is left out because composite DynamoDB sort keys are joined with it, `/` because workflow ids are. "." and ".." are
 * none: a URL's path loses them on the way (RFC 3986, 5.2.4), so that `/v1/carts/../items/x` would be something else's address.
 */
export const ID_PATTERN = /^(?!\.{1,2}$)[A-Za-z0-9_.:@-]{1,64}$/;
export const ID_RULE = 'must be 1 to 64 characters out of letters, digits, "_", ".", ":", "@" and "-", and not "." or ".."';

/** Joins the parts of a composite sort key; parts that callers choose cannot contain `#` (see ID_PATTERN). */
export function compositeKey(...parts: readonly (string | number)[]): string {
  return parts.join('#');
}

/** Epoch milliseconds as a sortable ISO 8601 UTC string, the form of every instant at the edges. */
export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
