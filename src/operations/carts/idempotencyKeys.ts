import { createHash, randomBytes } from 'node:crypto';
import type { LineChange } from '../../domain/carts/cartChanges';

/**
 * Returns the key by which a repeated request is recognised. The SDK repeats a request whose response was lost. If such
 * a repetition would count twice or fail the version condition, and the caller gave no key, this makes a random key.
 */
export function keyOf(
  change: LineChange,
  given: string | undefined,
  ifVersion: number | undefined,
): string | undefined {
  if (given !== undefined) return digest(`${change.kind}.${change.productId}.${given}`);
  return change.kind === 'add' || ifVersion !== undefined ? randomBytes(6).toString('base64url') : undefined;
}

/** Keys are stored in a map in the cart's item, so they are short. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16);
