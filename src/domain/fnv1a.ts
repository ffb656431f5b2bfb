/**
 * Returns the 32-bit FNV-1a hash of a text's UTF-16 code units, as an unsigned integer. The hash spreads ids evenly and
 * is the same in every process and version: partition keys are derived from it. It does not resist forged collisions.
 * Source: Fowler, Noll, Vo (draft-eastlake-fnv).
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
