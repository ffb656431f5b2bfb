import { exactly, orOf, reservedNames } from './edge/names';

/**
 * The form of identifiers that callers choose: 1 to 64 letters, digits and `_ . : @ -`.
 * `#` is not allowed because it separates the parts of composite sort keys, and `/` because it separates those of
 * workflow ids. "." and ".." are not allowed because URLs normalise them (RFC 3986, 5.2.4): `/v1/carts/../items/x`
 * would address another resource. Names of JavaScript's object properties (see edge/names.ts) are not allowed because
 * some ids become property names, such as those of a cart's lines.
 */
export const ID_PATTERN = new RegExp(`^(?!\\.{1,2}$|${exactly(reservedNames)})[A-Za-z0-9_.:@-]{1,64}$`);
/** The rule of {@link ID_PATTERN} as a part of a sentence. */
export const ID_RULE =
  'must be 1 to 64 characters out of letters, digits, "_", ".", ":", "@" and "-", and not ' +
  orOf(['.', '..', ...reservedNames]);

/** Joins the parts of a composite sort key. Ids contain no `#` (see ID_PATTERN), so the parts stay separable. */
export function compositeKey(...parts: readonly (string | number)[]): string {
  return parts.join('#');
}

/** Formats epoch milliseconds as ISO 8601 UTC, the form of every instant in requests and answers; it sorts by time. */
export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
