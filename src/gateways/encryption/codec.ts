import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { KeyRing } from './keys';

/** What the SDK knows of the place of a payload; absent where it knows nothing, as in the Web UI. */
type Context = Parameters<PayloadCodec['encode']>[1];

/** A payload that is not what was written, or not where it was written. */
export class PayloadIntegrityError extends Error {
  override readonly name = 'PayloadIntegrityError';
}

const ENCODING = 'binary/encrypted';
/** Cipher and layout: nonce, ciphertext, tag. Another layout gets another name. */
const CIPHER = 'AES-256-GCM/1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Metadata of an encrypted payload. The first two are as in Temporal's own samples. */
const meta = {
  keyId: 'encryption-key-id',
  cipher: 'encryption-cipher',
  workflowId: 'encryption-workflow-id',
  dataKey: 'encryption-data-key',
} as const;

const text = (bytes: Uint8Array | null | undefined): string | undefined =>
  bytes ? Buffer.from(bytes).toString('utf8') : undefined;

/**
 * Encrypts every payload with AES-256-GCM under a fresh random nonce, and reads what it or nobody encrypted: plain
 * payloads, of histories that are older than the keys, pass through.
 *
 * Authenticated with each payload: cipher and layout, the key's id, its wrapped data key, and the id of the workflow
 * that it belongs to where the SDK tells, so that a payload moved into another workflow's history is not read.
 */
export class EncryptionCodec implements PayloadCodec {
  constructor(private readonly keys: KeyRing) {}

  async encode(payloads: Payload[], context?: Context): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.encrypt(payload, context)));
  }

  /** @throws PayloadKeyError naming the key that is missing; PayloadIntegrityError. */
  async decode(payloads: Payload[], context?: Context): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.decrypt(payload, context)));
  }

  private async encrypt(payload: Payload, context: Context): Promise<Payload> {
    if (isEncrypted(payload)) return payload; // Twice would be read once.
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
      throw damaged(id); // OpenSSL's reason is always the same.
    }
    return temporal.api.common.v1.Payload.decode(clear);
  }
}

const damaged = (id: string): PayloadIntegrityError =>
  new PayloadIntegrityError(
    `The payload is not what was encrypted with the key "${id}": it was changed, or that id has another key now`,
  );

const isEncrypted = ({ metadata }: Payload): boolean => text(metadata?.[METADATA_ENCODING_KEY]) === ENCODING;

/** The associated data; JSON, so that no two sets of values give the same bytes. */
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

/** A schedule writes for the id that it has, and starts workflows under that id and the instant. */
function belongs(writtenFor: string, foundIn: string): boolean {
  return (
    foundIn === writtenFor ||
    (foundIn.startsWith(`${writtenFor}-`) && /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(foundIn.slice(writtenFor.length + 1)))
  );
}
