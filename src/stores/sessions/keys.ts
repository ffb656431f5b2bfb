import { createHash, randomBytes } from 'node:crypto';
import { compositeKey } from '../../domain/ids';

/** The sort key of a session's head. */
export const HEAD = 'session';
/** The sort key of a session's data, if the data does not fit into the head. */
export const DATA = 'data';

/** Length of a SHA-256 hash in base64url. */
const HASH_LENGTH = 43;

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
/** The prefix of the sort keys in a user's list of sessions. */
export const SIGN_INS = compositeKey('sign-in', '');
/** Returns the key of a session in its user's list. */
export const signInKey = (prefix: string, userId: string, handle: string) => ({
  SessionKey: userKey(prefix, userId),
  Part: SIGN_INS + handle,
});

/** Returns a session's partition of the expiry index. */
export function bucketOf(key: string, buckets: number): string {
  return String(createHash('sha256').update(key).digest().readUInt16BE(0) % buckets);
}
