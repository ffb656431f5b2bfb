import { createHash, randomBytes } from 'node:crypto';
import type { EndReason, SessionHead } from '../../domain/sessions/session';
import { compositeKey } from '../../domain/ids';
import { anything, flag, type Item, itemType, number, optional, orElse, prefixed, text } from '../items';
import { sessionTables } from './tables';

/** Serialised session data. */
export type SessionBytes = string | Uint8Array;

/** The sort key of a session's head. */
export const HEAD = 'session';
/** The sort key of a session's data, if the data does not fit into the head. */
export const DATA = 'data';

/** Up to this size, a touch of the head consumes one write unit. */
const HEAD_BYTES = 1_024;
/** Size of a head's attribute names, numbers and flags. */
const FIXED_BYTES = 200;
const HASH_LENGTH = 43;
const DAY_S = 86_400;

/** Returns the key of a session. Ids are secrets, so only their hashes are stored. */
export function sessionKey(prefix: string, id: string): string {
  return prefix + createHash('sha256').update(id).digest('base64url');
}

/**
 * Returns the length of a prefix's keys. It distinguishes them from the keys of a longer prefix that begins with this
 * one.
 */
export const keyLength = (prefix: string): number => prefix.length + HASH_LENGTH;

/** Returns the key of a session's head. */
export const headKey = (key: string) => ({ SessionKey: key, Part: HEAD });
/** Returns the key of a session's data item. */
export const dataKey = (key: string) => ({ SessionKey: key, Part: DATA });

/** Returns a new handle. Handles sort by their creation until the year 5138. */
export function newHandle(createdAt: number): string {
  return createdAt.toString(36).padStart(9, '0') + randomBytes(12).toString('base64url');
}

/**
 * Returns the partition of a user's list of sign-ins, one item per session. A partition can be read strongly
 * consistent, an index cannot.
 */
export const userKey = (prefix: string, userId: string): string => compositeKey(`${prefix}user`, userId);
const SIGN_IN = compositeKey('sign-in', '');
/** Returns the key of a session in its user's list. */
export const signInKey = (prefix: string, userId: string, handle: string) => ({
  SessionKey: userKey(prefix, userId),
  Part: SIGN_IN + handle,
});
/** The prefix of the sort keys in a user's list of sessions. */
export const SIGN_INS = SIGN_IN;

/** Returns a session's partition of the expiry index. */
export function bucketOf(key: string, buckets: number): string {
  return String(createHash('sha256').update(key).digest().readUInt16BE(0) % buckets);
}

/**
 * Returns the epoch seconds after which TTL may remove an item: a day after the last instant at which a save can
 * succeed.
 */
export const removeAt = (absoluteExpiresAt: number): number => Math.ceil(absoluteExpiresAt / 1000) + DAY_S;

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
