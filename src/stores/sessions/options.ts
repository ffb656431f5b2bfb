import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SessionData } from 'express-session';
import { defined } from '../../domain/defined';
import type { SessionLife, SessionOwner } from '../../domain/sessions/session';
import { json, type SessionSerializer } from './sessionCodec';
import type { RecordSettings, SessionWatch } from './settings';

export interface DynamoDBSessionStoreOptions {
  client: DynamoDBClient | DynamoDBDocumentClient;
  tableName: string;
  /**
   * A session that is not used for so long has ended. Default: as long as its cookie lives, a day where the cookie
   * names no end.
   */
  idleTimeoutMs?: number;
  /** A session that was opened so long ago has ended. Default 30 days. */
  absoluteTimeoutMs?: number;
  /**
   * A touch that would move the expiry by less is not written; at most half a life counts. Default: a tenth of the
   * life, nothing for lives up to five minutes.
   */
  touchThresholdMs?: number;
  /** Begins every key; default none. */
  prefix?: string;
  /** Default JSON. */
  serializer?: SessionSerializer;
  /** Larger data is refused. Default 64 KiB. */
  maxDataBytes?: number;
  /**
   * Whose session it is, of its data: lists it among the user's. Asked at the first save; it cannot change afterwards.
   */
  ownerOf?: (session: SessionData) => SessionOwner;
  /**
   * Partitions of the index `Expiry`, as the sweeper of this table has them. Default 0: nothing sweeps, ended sessions
   * go by the table's TTL.
   */
  expiryBuckets?: number;
  /** With a sweeper: ends are kept in the index until their event is delivered. Default no. */
  keepEvents?: boolean;
  watch?: SessionWatch;
  /** Epoch ms; default the machine's clock. */
  now?: () => number;
}

export interface CheckedOptions {
  records: RecordSettings;
  life: SessionLife;
  serializer: SessionSerializer;
  maxDataBytes: number;
}

const DAY_MS = 86_400_000;
const MAX_TIMEOUT_MS = 400 * DAY_MS;
/** DynamoDB's 400 KB, less what lies beside the data. */
const MAX_DATA_BYTES = 380 * 1024;

/** With their defaults. @throws TypeError naming the option that is wrong. */
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
  if (typeof (client as Partial<DynamoDBClient> | undefined)?.send !== 'function')
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
