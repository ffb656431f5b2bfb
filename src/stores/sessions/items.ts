import { createHash, randomBytes } from 'node:crypto';
import { defined } from '../../domain/defined';
import type { EndReason, SessionHead } from '../../domain/sessions/session';
import { compositeKey } from '../../domain/ids';

/** Session data as its serialiser made it. */
export type SessionBytes = string | Uint8Array;

/** A session's head, and its data where the head has no room for it. */
export const HEAD = 'session';
export const DATA = 'data';

/** A head up to this size is touched for one write unit. */
const HEAD_BYTES = 1_024;
/** Of a head with all its attributes: their names, numbers and flags. */
const FIXED_BYTES = 200;
const HASH_LENGTH = 43;
const DAY_S = 86_400;

/** Ids are secrets: what is kept of one is its hash. */
export function sessionKey(prefix: string, id: string): string {
  return prefix + createHash('sha256').update(id).digest('base64url');
}

/** Length of the keys under a prefix, which tells them from those of a prefix that begins with it. */
export const keyLength = (prefix: string): number => prefix.length + HASH_LENGTH;

export const headKey = (key: string) => ({ SessionKey: key, Part: HEAD });
export const dataKey = (key: string) => ({ SessionKey: key, Part: DATA });

/** Handles in the order of their creation, until the year 5138. */
export function newHandle(createdAt: number): string {
  return createdAt.toString(36).padStart(9, '0') + randomBytes(12).toString('base64url');
}

/** A user's sessions are one partition, an item each: read strongly consistent, unlike an index. */
export const userKey = (prefix: string, userId: string): string => compositeKey(`${prefix}user`, userId);
const SIGN_IN = compositeKey('sign-in', '');
export const signInKey = (prefix: string, userId: string, handle: string) => ({
  SessionKey: userKey(prefix, userId),
  Part: SIGN_IN + handle,
});
export const SIGN_INS = SIGN_IN;

/** One of some partitions of the expiry index, by the key. */
export function bucketOf(key: string, buckets: number): string {
  return String(createHash('sha256').update(key).digest().readUInt16BE(0) % buckets);
}

/** Epoch seconds at which DynamoDB may remove what is left: a day after no save can be under way any more. */
export const removeAt = (absoluteExpiresAt: number): number => Math.ceil(absoluteExpiresAt / 1000) + DAY_S;

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

/** Attributes of a head beside the data. */
export const HEAD_ATTRIBUTES =
  'SessionKey, Handle, CreatedAt, LastSeenAt, ExpiresAt, AbsoluteExpiresAt, UserID, Device, Place, SplitData, ' +
  'CheckAt, EndedAt, EndReason';

/** Whether data fits into its head. */
export function fitsHead(
  { key, handle, userId = '', device = '', place = '' }: SessionHead,
  data: SessionBytes,
): boolean {
  return (
    FIXED_BYTES + [key, handle, userId, device, place, data].reduce((sum, value) => sum + byteLength(value), 0) <=
    HEAD_BYTES
  );
}

export const byteLength = (data: SessionBytes): number =>
  typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;

/** A session's data from its parts: what stands in the head is newer. Undefined where an end has taken it away. */
export function dataOf(
  head: Record<string, unknown>,
  data: Record<string, unknown> | undefined,
): SessionBytes | undefined {
  return (head['SessionData'] ?? data?.['SessionData']) as SessionBytes | undefined;
}
