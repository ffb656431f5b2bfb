import { createHash, timingSafeEqual } from 'node:crypto';
import { type Role, roles } from '../../domain/platform/caller';
import { ID_PATTERN } from '../../domain/ids';

/** An API key of the settings. */
export interface ApiKey {
  name: string;
  role: Role;
  /** SHA-256 of the key. The key itself is not kept. */
  digest: Buffer;
}

/** A malformed entry of `LONGWATCH_API_KEYS`. */
export class ApiKeyError extends Error {
  override readonly name = 'ApiKeyError';
}

/**
 * Returns the SHA-256 of a key, without salt or stretching: keys are random, so a dictionary attack is not possible.
 */
export const keyDigest = (key: string): Buffer => createHash('sha256').update(key).digest();

const MIN_KEY_LENGTH = 16;
const HASHED = 'sha256=';

/**
 * Parses `name:role:key,…`. A key may be given as `sha256=` and the 64 hexadecimal digits of its hash. A name may occur
 * twice, for the time in which its key is being replaced.
 * @throws ApiKeyError with the position of the faulty entry; the message never contains a key.
 */
export function parseApiKeys(text: string): ApiKey[] {
  const keys: ApiKey[] = [];
  for (const [i, entry] of text.split(',').entries()) {
    const [name = '', role = '', ...rest] = entry.trim().split(':');
    const key = rest.join(':');
    const fault = (what: string) =>
      new ApiKeyError(
        `LONGWATCH_API_KEYS: entry ${i + 1} ${what}; the form is name:role:key,… or name:role:sha256=<hex>,…`,
      );
    if (!ID_PATTERN.test(name)) throw fault('has no valid name');
    if (!roles.includes(role as Role)) throw fault(`has a role that is not one of ${roles.join(', ')}`);
    const digest = key.startsWith(HASHED)
      ? digestOf(key.slice(HASHED.length))
      : key.length < MIN_KEY_LENGTH
        ? undefined
        : keyDigest(key);
    if (!digest)
      throw fault(
        key.startsWith(HASHED)
          ? 'has a hash that is not 64 hexadecimal digits'
          : `has a key shorter than ${MIN_KEY_LENGTH} characters`,
      );
    const same = keys.findIndex((one) => one.digest.equals(digest));
    if (same !== -1) throw fault(`has the same key as entry ${same + 1}; each key must belong to one entry only`);
    keys.push({ name, role: role as Role, digest });
  }
  return keys;
}

const digestOf = (hex: string): Buffer | undefined =>
  /^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex') : undefined;

/** Returns the key that matches a token. It compares all keys, so the time taken does not reveal which one matched. */
export function matchingKey(keys: readonly ApiKey[], token: string): ApiKey | undefined {
  const digest = keyDigest(token);
  let found: ApiKey | undefined;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
  return found;
}
