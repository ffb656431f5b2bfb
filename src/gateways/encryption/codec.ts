import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { KeyRing } from './keys';

/** The SDK's information about the payload's workflow; absent if it has none, as in calls of the Web UI. */
type Context = Parameters<PayloadCodec['encode']>[1];

/** A payload was changed after encryption, or was copied from another workflow. */
export class PayloadIntegrityError extends Error {
  override readonly name = 'PayloadIntegrityError';
}

const ENCODING = 'binary/encrypted';
/** Cipher and layout (nonce, ciphertext, tag). Another layout needs another name. */
const CIPHER = 'AES-256-GCM/1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Metadata keys of an encrypted payload. The first two are those of Temporal's own samples. */
const meta = {
  keyId: 'encryption-key-id',
  cipher: 'encryption-cipher',
  workflowId: 'encryption-workflow-id',
  dataKey: 'encryption-data-key',
} as const;

const text = (bytes: Uint8Array | null | undefined): string | undefined =>
  bytes ? Buffer.from(bytes).toString('utf8') : undefined;

/**
 * Encrypts every payload with AES-256-GCM under a fresh random nonce, and decrypts such payloads. Unencrypted payloads
 * are returned unchanged, because histories from before encryption was configured contain them.
 *
 * The tag also authenticates the cipher and layout, the key id, the wrapped data key and, if the SDK gives it, the
 * workflow id. So a payload that was copied into another workflow's history is rejected.
 */
export class EncryptionCodec implements PayloadCodec {
  constructor(private readonly keys: KeyRing) {}

  /** Encrypts payloads under the current key. @throws PayloadKeyError if there is none */
  async encode(payloads: Payload[], context?: Context): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.encrypt(payload, context)));
  }

  /** @throws PayloadKeyError naming the missing key; PayloadIntegrityError */
  async decode(payloads: Payload[], context?: Context): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.decrypt(payload, context)));
  }

  private async encrypt(payload: Payload, context: Context): Promise<Payload> {
    // An already encrypted payload stays as it is: decoding removes only one layer.
    if (isEncrypted(payload)) return payload;
    const { id, key, wrapped } = await this.keys.current();
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    const workflowId = context?.workflowId;
    cipher.setAAD(bound(id, workflowId, wrapped));
    const clear = temporal.api.common.v1.Payload.encode(payload).finish();
    return {
      metadata: {
        [METADATA_ENCODING_KEY]: Buffer.from(ENCODING),
        [meta.keyId]: Buffer.from(id),
        [meta.cipher]: Buffer.from(CIPHER),
        ...(workflowId !== undefined && { [meta.workflowId]: Buffer.from(workflowId) }),
        ...(wrapped && { [meta.dataKey]: wrapped }),
      },
      data: Buffer.concat([nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()]),
    };
  }

  private async decrypt(payload: Payload, context: Context): Promise<Payload> {
    if (!isEncrypted(payload)) return payload;
    const { metadata, data } = payload;
    const [id, cipherName, workflowId] = [
      text(metadata?.[meta.keyId]),
      text(metadata?.[meta.cipher]),
      text(metadata?.[meta.workflowId]),
    ];
    if (id === undefined || cipherName !== CIPHER)
      throw new PayloadIntegrityError(
        `The payload was encrypted by another codec (${meta.keyId} ${id ?? 'missing'}, ${meta.cipher} ` +
          `${cipherName ?? 'missing'})`,
      );
    if (workflowId !== undefined && context?.workflowId !== undefined && !belongs(workflowId, context.workflowId))
      throw new PayloadIntegrityError(
        `The payload was written for the workflow ${workflowId} and is found in ${context.workflowId}`,
      );
    const wrapped = metadata?.[meta.dataKey] ?? undefined;
    const key = await this.keys.find(id, wrapped);
    const bytes = Buffer.from(data ?? []);
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw damaged(id);
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(bound(id, workflowId, wrapped));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    let clear: Buffer;
    try {
      clear = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      throw damaged(id); // The cause carries no information: OpenSSL reports the same error for every mismatch.
    }
    return temporal.api.common.v1.Payload.decode(clear);
  }
}

const damaged = (id: string): PayloadIntegrityError =>
  new PayloadIntegrityError(
    `The payload does not match the key "${id}": the payload was changed, or this id now has another key`,
  );

const isEncrypted = ({ metadata }: Payload): boolean => text(metadata?.[METADATA_ENCODING_KEY]) === ENCODING;

/**
 * Returns the additional authenticated data. It is JSON, so that two different sets of values cannot give the same
 * bytes.
 */
function bound(id: string, workflowId: string | undefined, wrapped: Uint8Array | undefined): Buffer {
  return Buffer.from(
    JSON.stringify([
      ENCODING,
      CIPHER,
      id,
      workflowId ?? null,
      wrapped ? Buffer.from(wrapped).toString('base64') : null,
    ]),
  );
}

/**
 * Whether a payload may appear in this workflow. A schedule encrypts its payload for its own id, and starts workflows
 * under that id plus the time.
 */
function belongs(writtenFor: string, foundIn: string): boolean {
  return (
    foundIn === writtenFor ||
    (foundIn.startsWith(`${writtenFor}-`) && /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(foundIn.slice(writtenFor.length + 1)))
  );
}
