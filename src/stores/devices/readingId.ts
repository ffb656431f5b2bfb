import { createHash } from 'node:crypto';
import type { ReadingRow, RowContent } from '../../domain/devices/reading';

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

/** Returns the text whose hash is the row's id. Device and instant are left out because the row's key contains them. */
function identityText({ metrics, status, latitude, longitude }: Omit<RowContent, 'deviceId' | 'timestamp'>): string {
  return JSON.stringify([metrics, status ?? null, latitude ?? null, longitude ?? null]);
}
