import { createSecretKey, type KeyObject } from 'node:crypto';

/** An AES-256 key. */
export interface DataKey {
  /** Id that encrypted payloads name. */
  id: string;
  key: KeyObject;
  /** The key encrypted under a KMS key, to be stored in each payload. Absent if the id alone finds the key. */
  wrapped?: Uint8Array;
}

/** A source of keys: the current one encrypts, and all keys that still decrypt old payloads can be found. */
export interface KeyRing {
  /** Returns the key to encrypt with. @throws PayloadKeyError if there is none. */
  current(): Promise<DataKey>;
  /** Returns the key to decrypt with. @throws PayloadKeyError naming the missing key. */
  find(id: string, wrapped?: Uint8Array): Promise<KeyObject>;
}

/**
 * A payload cannot be encrypted or decrypted because a key is missing. The message names key ids and never contains a
 * key.
 */
export class PayloadKeyError extends Error {
  override readonly name = 'PayloadKeyError';
}

const KEY_BYTES = 32;
const ID = /^[A-Za-z0-9_.-]{1,64}$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** A key of the settings. */
export interface GivenKey {
  id: string;
  key: KeyObject;
}

/**
 * Parses `id:base64,…`, where each key is 32 random bytes (`openssl rand -base64 32`).
 * @throws PayloadKeyError with the position of the faulty entry; the message never contains a key.
 */
export function parsePayloadKeys(text: string): GivenKey[] {
  const seen = new Set<string>();
  return text.split(',').map((entry, i) => {
    const [id = '', encoded = '', ...rest] = entry.trim().split(':');
    const fault = (what: string) =>
      new PayloadKeyError(`entry ${i + 1} ${what}; the form is id:base64,… and openssl rand -base64 32 makes a key`);
    if (!ID.test(id) || rest.length > 0) throw fault('has no valid id (letters, digits, "_", "." and "-")');
    if (seen.has(id)) throw fault(`has the id ${id} again`);
    const bytes = Buffer.from(encoded, 'base64');
    if (!BASE64.test(encoded) || bytes.length !== KEY_BYTES)
      throw fault(`(${id}) has a key that is not base64 of ${KEY_BYTES} bytes`);
    seen.add(id);
    return { id, key: createSecretKey(bytes) };
  });
}

/** Keys from the settings. The first one encrypts; all of them decrypt. */
export class ConfiguredKeys implements KeyRing {
  constructor(private readonly keys: readonly GivenKey[]) {}

  async current(): Promise<DataKey> {
    const [first] = this.keys;
    if (!first) throw new PayloadKeyError('No payload key is configured to encrypt with');
    return first;
  }

  async find(id: string): Promise<KeyObject> {
    const found = this.keys.find((key) => key.id === id);
    if (found) return found.key;
    const known = this.keys.map((key) => key.id).join(', ') || 'none';
    throw new PayloadKeyError(
      `The payload was encrypted with the key "${id}", which is not configured (there are: ${known}). Add it to ` +
        'LONGWATCH_PAYLOAD_KEYS, after the first',
    );
  }
}
