import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { awsHttp } from '../aws/http';
import { LRUCache } from 'lru-cache';
import { type CallWatch, watchedClient } from '../../telemetry/calls';
import { type DataKey, type KeyRing, PayloadKeyError } from './keys';
import { type Clock, systemClock } from '../../timing/clock';

/** Address and credentials of AWS KMS. */
export interface KmsSettings {
  region: string;
  /** Endpoint; absent for AWS's own. */
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  watch?: CallWatch;
}

/** Returns a KMS client with timeouts and metrics. */
export function kmsClient({ watch, ...settings }: KmsSettings): KMSClient {
  const requestHandler = awsHttp({ silentMs: 5_000 });
  return watchedClient(new KMSClient({ ...settings, maxAttempts: 4, requestHandler }), 'kms', watch);
}

/** Limits of the data keys. */
export interface KmsKeysOptions {
  /**
   * Payloads that one data key encrypts before it is replaced. Default 1,000,000, far below the 2^32 that random 96-bit
   * nonces allow (NIST SP 800-38D, section 8.3).
   */
  maxUses?: number;
  /**
   * Milliseconds after which the current data key is replaced, and for which a decrypted data key is cached. Default
   * one hour.
   */
  maxAgeMs?: number;
  /** Maximum number of cached data keys. Default 10,000. */
  maxKept?: number;
  clock?: Clock;
}

const PREFIX = 'kms:';
/** Encryption context of every data key. KMS decrypts the key only with the same context, and CloudTrail logs it. */
const CONTEXT = { application: 'longwatch', purpose: 'temporal-payload' };

/**
 * Envelope encryption with AWS KMS. KMS generates a data key under a KMS key. The data key encrypts many payloads and
 * is stored, encrypted, in each of them. The first KMS key generates data keys; all of them decrypt.
 */
export class KmsKeys implements KeyRing {
  private making: Promise<DataKey> | undefined;
  private uses = 0;
  private madeAt = 0;
  private readonly maxUses: number;
  private readonly maxAgeMs: number;
  private readonly clock: Clock;
  private readonly kept: LRUCache<string, KeyObject>;
  /** Data keys that KMS is decrypting now. The payloads of one history share one call. */
  private readonly asked = new Map<string, Promise<KeyObject>>();

  constructor(
    private readonly client: Pick<KMSClient, 'send'>,
    private readonly keyIds: readonly string[],
    options: KmsKeysOptions = {},
  ) {
    this.maxUses = options.maxUses ?? 1_000_000;
    this.maxAgeMs = options.maxAgeMs ?? 3_600_000;
    this.clock = options.clock ?? systemClock;
    this.kept = new LRUCache({
      max: options.maxKept ?? 10_000,
      ttl: this.maxAgeMs,
      ttlResolution: 0,
      perf: this.clock,
    });
  }

  /** Returns whether a key id names a KMS key. */
  static holds(id: string): boolean {
    return id.startsWith(PREFIX);
  }

  async current(): Promise<DataKey> {
    if (!this.making || this.uses >= this.maxUses || this.clock.now() - this.madeAt >= this.maxAgeMs) {
      this.uses = 0;
      this.madeAt = this.clock.now();
      this.making = this.generate();
      // A failed call is not cached; the next payload calls KMS again.
      this.making.catch(() => (this.making = undefined));
    }
    this.uses++;
    return this.making;
  }

  private async generate(): Promise<DataKey> {
    const [KeyId] = this.keyIds;
    if (KeyId === undefined) throw new PayloadKeyError('No KMS key is configured to generate data keys with');
    const { Plaintext, CiphertextBlob } = await this.client
      .send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext: CONTEXT }))
      .catch((error: unknown) => Promise.reject(refused('made no data key under', KeyId, error)));
    if (!Plaintext || !CiphertextBlob) throw new PayloadKeyError(`KMS answered without a data key for ${KeyId}`);
    const key = createSecretKey(Plaintext);
    Plaintext.fill(0);
    this.kept.set(nameOf(CiphertextBlob), key);
    return { id: `${PREFIX}${KeyId}`, key, wrapped: CiphertextBlob };
  }

  async find(id: string, wrapped?: Uint8Array): Promise<KeyObject> {
    const KeyId = id.slice(PREFIX.length);
    if (!this.keyIds.includes(KeyId))
      throw new PayloadKeyError(
        `The payload was encrypted under the KMS key "${KeyId}", which is not configured. Add it to ` +
          'LONGWATCH_PAYLOAD_KMS_KEYS, after the first',
      );
    if (!wrapped) throw new PayloadKeyError(`The payload names the KMS key "${KeyId}" but holds no data key`);
    const name = nameOf(wrapped);
    const kept = this.kept.get(name);
    if (kept) return kept;
    let asked = this.asked.get(name);
    if (!asked) {
      asked = this.unwrap(KeyId, wrapped, name).finally(() => this.asked.delete(name));
      this.asked.set(name, asked);
    }
    return asked;
  }

  private async unwrap(KeyId: string, CiphertextBlob: Uint8Array, name: string): Promise<KeyObject> {
    const { Plaintext } = await this.client
      .send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext: CONTEXT }))
      .catch((error: unknown) => Promise.reject(refused('did not unwrap a data key under', KeyId, error)));
    if (!Plaintext) throw new PayloadKeyError(`KMS answered without a data key for ${KeyId}`);
    const key = createSecretKey(Plaintext);
    Plaintext.fill(0);
    this.kept.set(name, key);
    return key;
  }
}

const nameOf = (wrapped: Uint8Array): string => createHash('sha256').update(wrapped).digest('base64');

const refused = (what: string, keyId: string, cause: unknown): PayloadKeyError =>
  new PayloadKeyError(
    `KMS ${what} the key "${keyId}": ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}`,
    { cause },
  );

/**
 * Keys for a migration from configured keys to KMS: KMS encrypts, and payloads under either kind of key can be
 * decrypted.
 */
export class MigratingKeys implements KeyRing {
  constructor(
    private readonly kms: KmsKeys,
    private readonly configured: KeyRing,
  ) {}

  current(): Promise<DataKey> {
    return this.kms.current();
  }

  find(id: string, wrapped?: Uint8Array): Promise<KeyObject> {
    return KmsKeys.holds(id) ? this.kms.find(id, wrapped) : this.configured.find(id);
  }
}
