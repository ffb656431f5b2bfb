import { createHash } from 'node:crypto';
import { identityText, type ReadingRow, type RowContent } from '../../domain/devices/reading';

/**
 * Returns a reading with its id: 96 bits of a hash of its content. Two different readings of one device and instant
 * have the same id with a probability of about 10^-28.
 */
export function withId(content: RowContent): ReadingRow {
  return {
    ...content,
    id: createHash('sha256').update(identityText(content)).digest().subarray(0, 12).toString('base64url'),
  };
}
