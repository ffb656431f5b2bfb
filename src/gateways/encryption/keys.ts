import { createSecretKey, type KeyObject } from 'node:crypto';

/** A key of AES-256. */
export interface DataKey {
  /** By which payloads name it. */
  id: string;
  key: KeyObject;
  /** The key as its keeper wrapped it, to be kept beside each payload; absent where the id alone finds it. */
  wrapped?: Uint8Array;
}

/** Where keys come from: one that encrypts now, and all that have encrypted what is still to be read. */
export interface KeyRing {
  current(): Promise<DataKey>;
  /** @throws PayloadKeyError naming the key that is missing. */
  find(id: string, wrapped?: Uint8Array): Promise<KeyObject>;
}

/** A payload that cannot be read, or none that can be written, for want of a key. Names keys, never shows one. */
export class PayloadKeyError extends Error {
  override readonly name = 'PayloadKeyError';
}

const KEY_BYTES = 32;
const ID = /^[A-Za-z0-9_.-]{1,64}$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export interface GivenKey {
  id: string;
  key: KeyObject;
}

/**
 * Parses `id:base64,…`, each key 32 random bytes: `openssl rand -base64 32`.
 * @throws PayloadKeyError naming the entry by its position, never showing a key.
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

/** Keys that the configuration holds: the first encrypts, all decrypt. */
export class ConfiguredKeys implements KeyRing {
  constructor(private readonly keys: readonly GivenKey[]) {}

  async current(): Promise<DataKey> {
    const [first] = this.keys;
    if (!first) throw new PayloadKeyError('There is no payload key to encrypt with');
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
