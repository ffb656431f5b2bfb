import type { SessionData } from 'express-session';
import { defined } from '../../domain/defined';
import type { SessionLife, SessionOwner } from '../../domain/sessions/session';
import type { ApplicationClient } from './applicationClient';
import { json, type SessionSerializer } from './sessionCodec';
import type { RecordSettings, SessionWatch } from './settings';

/** The options of the store. */
export interface DynamoDBSessionStoreOptions {
  client: ApplicationClient;
  tableName: string;
  /**
   * Idle timeout: a session expires after this time without use. Default: the life of its cookie, or a day if the
   * cookie has no expiry. Milliseconds.
   */
  idleTimeoutMs?: number;
  /** Absolute timeout: a session expires this long after its creation. Milliseconds; default 30 days. */
  absoluteTimeoutMs?: number;
  /**
   * A touch that would extend the expiry by less is not written. Values above half of the session's life count as half.
   * Milliseconds; default: a tenth of the life, or 0 for lives of up to five minutes.
   */
  touchThresholdMs?: number;
  /** Prefix of every key. Default: none. */
  prefix?: string;
  /** Default: JSON. */
  serializer?: SessionSerializer;
  /** Maximum size of a session's data. Larger data is refused. Default: 64 KiB. */
  maxDataBytes?: number;
  /**
   * Returns the owner of a session from its data, for the user's list of sessions. Evaluated at the first save; the
   * owner cannot change afterwards.
   */
  ownerOf?: (session: SessionData) => SessionOwner;
  /**
   * Number of partitions of the index `Expiry`, the same as of the sweeper. Default 0: no sweeper, TTL removes expired
   * sessions.
   */
  expiryBuckets?: number;
  /** With a sweeper: ended sessions stay in the index until their event is delivered. Default: false. */
  keepEvents?: boolean;
  watch?: SessionWatch;
  /** Returns the time in epoch ms. Default: the machine's clock. */
  now?: () => number;
}

/** The validated options with their defaults. */
export interface CheckedOptions {
  records: RecordSettings;
  life: SessionLife;
  serializer: SessionSerializer;
  maxDataBytes: number;
}

const DAY_MS = 86_400_000;
const MAX_TIMEOUT_MS = 400 * DAY_MS;
/** Maximum of `maxDataBytes`: DynamoDB's 400 KB minus the other attributes. */
const MAX_DATA_BYTES = 380 * 1024;

/** Validates the options and fills in defaults. @throws TypeError with the name of the invalid option. */
export function checked(options: DynamoDBSessionStoreOptions): CheckedOptions {
  const {
    client,
    tableName,
    idleTimeoutMs,
    absoluteTimeoutMs = 30 * DAY_MS,
    touchThresholdMs,
    maxDataBytes = 64 * 1024,
    expiryBuckets = 0,
    watch,
  } = options;
  if (typeof (client as Partial<ApplicationClient> | undefined)?.send !== 'function')
    throw new TypeError('client must be a DynamoDBClient or a DynamoDBDocumentClient');
  if (!tableName) throw new TypeError('tableName must name the table of sessions');
  within('idleTimeoutMs', idleTimeoutMs, 1, MAX_TIMEOUT_MS);
  within('absoluteTimeoutMs', absoluteTimeoutMs, 1, MAX_TIMEOUT_MS);
  within('touchThresholdMs', touchThresholdMs, 0, MAX_TIMEOUT_MS);
  within('maxDataBytes', maxDataBytes, 1, MAX_DATA_BYTES);
  within('expiryBuckets', expiryBuckets, 0, 1_000);
  return {
    records: {
      prefix: options.prefix ?? '',
      buckets: expiryBuckets,
      events: options.keepEvents === true && expiryBuckets > 0,
      absoluteMs: absoluteTimeoutMs,
      now: options.now ?? Date.now,
      ...defined({ watch }),
    },
    life: {
      absoluteMs: absoluteTimeoutMs,
      ...defined({ idleMs: idleTimeoutMs, touchThresholdMs }),
    },
    serializer: options.serializer ?? json,
    maxDataBytes,
  };
}

function within(name: string, value: number | undefined, min: number, max: number): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= min && value <= max))
    throw new TypeError(`${name} must be an integer from ${min} to ${max}, found ${value}`);
}
