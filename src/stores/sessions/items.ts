import { createHash, randomBytes } from 'node:crypto';
import { defined } from '../../domain/defined';
import type { EndReason, SessionHead } from '../../domain/sessions/session';
import { compositeKey } from '../../domain/ids';

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

/** Converts a head to an item, without the data. With `buckets` 0 the item is not in the expiry index. */
export function headItem(head: SessionHead, buckets: number): Record<string, unknown> {
  return {
    ...headKey(head.key),
    Handle: head.handle,
    CreatedAt: head.createdAt,
    LastSeenAt: head.lastSeenAt,
    ExpiresAt: head.expiresAt,
    AbsoluteExpiresAt: head.absoluteExpiresAt,
    ...defined({ UserID: head.userId, Device: head.device, Place: head.place }),
    ...(buckets > 0 && { ExpiryBucket: bucketOf(head.key, buckets), CheckAt: head.expiresAt }),
    RemoveAt: removeAt(head.absoluteExpiresAt),
  };
}

/** Converts an item to a head. */
export function headOf(item: Record<string, unknown>): SessionHead {
  const text = (name: string) => item[name] as string | undefined;
  const number = (name: string) => item[name] as number | undefined;
  const [userId, device, place, checkAt, endedAt] = [
    text('UserID'),
    text('Device'),
    text('Place'),
    number('CheckAt'),
    number('EndedAt'),
  ];
  return {
    key: text('SessionKey') ?? '',
    handle: text('Handle') ?? '',
    createdAt: number('CreatedAt') ?? 0,
    lastSeenAt: number('LastSeenAt') ?? 0,
    expiresAt: number('ExpiresAt') ?? 0,
    absoluteExpiresAt: number('AbsoluteExpiresAt') ?? 0,
    ...defined({ userId, device, place }),
    ...(item['SplitData'] !== undefined && { split: true }),
    ...defined({ checkAt }),
    ...(endedAt !== undefined && { ended: { at: endedAt, reason: item['EndReason'] as EndReason } }),
  };
}

/** The attributes of a head, without the data. */
export const HEAD_ATTRIBUTES =
  'SessionKey, Handle, CreatedAt, LastSeenAt, ExpiresAt, AbsoluteExpiresAt, UserID, Device, Place, SplitData, ' +
  'CheckAt, EndedAt, EndReason';

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
export function dataOf(
  head: Record<string, unknown>,
  data: Record<string, unknown> | undefined,
): SessionBytes | undefined {
  return (head['SessionData'] ?? data?.['SessionData']) as SessionBytes | undefined;
}
