import type { EndReason, SessionHead } from '../../domain/sessions/session';
import { removeAt } from '../../domain/sessions/retention';
import { anything, flag, type Item, itemType, number, optional, orElse, prefixed, text } from '../items';
import { bucketOf, HEAD, SIGN_INS } from './keys';
import { sessionTables } from './tables';

/** Serialised session data. */
export type SessionBytes = string | Uint8Array;

/** Up to this size, a touch of the head consumes one write unit. */
const HEAD_BYTES = 1_024;
/** Size of a head's attribute names, numbers and flags. */
const FIXED_BYTES = 200;

/** A tombstone of a session that was never saved has only a key and an end. */
const headItems = itemType(sessionTables, 'Sessions', {
  key: text('SessionKey'),
  handle: orElse(text('Handle'), ''),
  createdAt: orElse(number('CreatedAt'), 0),
  lastSeenAt: orElse(number('LastSeenAt'), 0),
  expiresAt: orElse(number('ExpiresAt'), 0),
  absoluteExpiresAt: orElse(number('AbsoluteExpiresAt'), 0),
  userId: optional(text('UserID')),
  device: optional(text('Device')),
  place: optional(text('Place')),
  split: optional(flag('SplitData')),
  checkAt: optional(number('CheckAt')),
  endedAt: optional(number('EndedAt')),
  endReason: optional(text<EndReason>('EndReason')),
});
/** The attributes of a head, without the data. */
export const HEAD_ATTRIBUTES = headItems.attributes.join(', ');
const dataItems = itemType(sessionTables, 'Sessions', { data: optional(anything<SessionBytes>('SessionData')) });
/** A key of the expiry index. */
export const dueItems = itemType(sessionTables, 'Sessions', { key: text('SessionKey'), checkAt: number('CheckAt') });
/** A session in its user's list. */
export const signInItems = itemType(sessionTables, 'Sessions', {
  handle: prefixed('Part', SIGN_INS),
  key: text('CurrentKey'),
});

/** Converts a head to an item, without the data. With `buckets` 0 the item is not in the expiry index. */
export const headItem = (head: SessionHead, buckets: number): Item =>
  headItems.write(
    { ...head, checkAt: buckets > 0 ? head.expiresAt : undefined },
    {
      Part: HEAD,
      RemoveAt: removeAt(head.absoluteExpiresAt),
      ...(buckets > 0 && { ExpiryBucket: bucketOf(head.key, buckets) }),
    },
  );

/** Returns the end of an ended session. */
export const endOf = itemType(sessionTables, 'Sessions', { reason: text<EndReason>('EndReason') }).read;

/** Converts an item to a head. */
export function headOf(item: Item): SessionHead {
  const { endedAt, endReason: _, ...head } = headItems.read(item);
  return { ...head, ...(endedAt !== undefined && { ended: { at: endedAt, ...endOf(item) } }) };
}

/** Returns whether the data fits into the head, so that a touch consumes one write unit. */
export function fitsHead(
  { key, handle, userId = '', device = '', place = '' }: SessionHead,
  data: SessionBytes,
): boolean {
  return (
    FIXED_BYTES + [key, handle, userId, device, place, data].reduce((sum, value) => sum + byteLength(value), 0) <=
    HEAD_BYTES
  );
}

/** Returns the size of session data in bytes. */
export const byteLength = (data: SessionBytes): number =>
  typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;

/**
 * Returns the data from the items of a session. Data in the head is newer than that in the data item. Undefined if an
 * end has removed it.
 */
export const dataOf = (head: Item, data: Item | undefined): SessionBytes | undefined =>
  dataItems.read(head).data ?? (data && dataItems.read(data).data);
