import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Request } from 'express';
import { type Session, type SessionData, Store } from 'express-session';
import { LongwatchError } from '../../domain/errors';
import { expiryOf, isWorthTouching, type SessionHead, type SessionLife, type SessionOwner } from '../../domain/sessions';
import type { SessionEnds } from './ends';
import { byteLength, type SessionBytes, sessionKey } from './items';
import { SessionRecords } from './records';
import { SessionTable } from './sessionTable';
import type { SessionWatch } from './settings';
import { UserSessions } from './userSessions';

export interface DynamoDBSessionStoreOptions {
  client: DynamoDBClient | DynamoDBDocumentClient;
  tableName: string;
  /** A session that is not used for so long has ended. Default: as long as its cookie lives, a day where the cookie names no end. */
  idleTimeoutMs?: number;
  /** A session that was opened so long ago has ended. Default 30 days. */
  absoluteTimeoutMs?: number;
  /** A touch that would move the expiry by less is not written; at most half a life counts. Default: a tenth of the life, nothing for lives up to five minutes. */
  touchThresholdMs?: number;
  /** Begins every key; default none. */
  prefix?: string;
  /** Default JSON. */
  serializer?: SessionSerializer;
  /** Larger data is refused. Default 64 KiB. */
  maxDataBytes?: number;
  /** Whose session it is, of its data: lists it among the user's. Asked at the first save; it cannot change afterwards. */
  ownerOf?: (session: SessionData) => SessionOwner;
  /** Partitions of the index `Expiry`, as the sweeper of this table has them. Default 0: nothing sweeps, ended sessions go by the table's TTL. */
  expiryBuckets?: number;
  /** With a sweeper: ends are kept in the index until their event is delivered. Default no. */
  keepEvents?: boolean;
  watch?: SessionWatch;
  /** Epoch ms; default the machine's clock. */
  now?: () => number;
}

export interface SessionSerializer {
  stringify(session: SessionData): SessionBytes;
  parse(bytes: SessionBytes): SessionData;
}

type Callback<T = void> = (error?: unknown, result?: T) => void;

/** What was read or written last of a session that the application has in hand. */
interface Mark {
  head: SessionHead;
  data: SessionBytes;
  /** Of the cookie, before express-session's clock rounded it down. */
  originalMaxAge: number | null;
  /** To be saved under a new id. */
  rotates?: boolean;
}

const DAY_MS = 86_400_000;
const MAX_ABSOLUTE_MS = 400 * DAY_MS;
/** DynamoDB's 400 KB, less what lies beside the data. */
const MAX_DATA_BYTES = 380 * 1024;
/** Stands in the data where the cookie's expiry would: that is an attribute, and moves without the data. */
const EXPIRES = 'ExpiresAt';
/** express-session sets `originalMaxAge` anew at each request, some milliseconds short at times. */
const DRIFT_MS = 1_000;

const json: SessionSerializer = {
  stringify: (session) => JSON.stringify(session),
  parse: (bytes) => JSON.parse(String(bytes)) as SessionData,
};

/**
 * A store for express-session on DynamoDB. What has ended (by expiry, log out, from elsewhere) stays ended: saves and
 * touches of a session are conditional on its being alive, and those that come too late are dropped, not an error.
 * See docs/sessions.md.
 */
export class DynamoDBSessionStore extends Store {
  /** The sessions of each user, where `ownerOf` says whose they are: listed, ended, all ended. */
  readonly users: UserSessions;
  private readonly records: SessionRecords;
  private readonly life: SessionLife;
  private readonly serializer: SessionSerializer;
  private readonly prefix: string;
  private readonly maxDataBytes: number;
  private readonly now: () => number;
  /** By the objects that `get` and `createSession` gave out; for as long as a request has them. */
  private readonly marks = new WeakMap<object, Mark>();

  constructor(private readonly options: DynamoDBSessionStoreOptions) {
    super();
    const { client, tableName, idleTimeoutMs, absoluteTimeoutMs = 30 * DAY_MS, touchThresholdMs, prefix = '', serializer = json, maxDataBytes = 64 * 1024, expiryBuckets = 0, now = Date.now, watch } = options;
    if (typeof (client as Partial<DynamoDBClient> | undefined)?.send !== 'function') throw new TypeError('client must be a DynamoDBClient or a DynamoDBDocumentClient');
    if (!tableName) throw new TypeError('tableName must name the table of sessions');
    within('idleTimeoutMs', idleTimeoutMs, 1, MAX_ABSOLUTE_MS);
    within('absoluteTimeoutMs', absoluteTimeoutMs, 1, MAX_ABSOLUTE_MS);
    within('touchThresholdMs', touchThresholdMs, 0, MAX_ABSOLUTE_MS);
    within('maxDataBytes', maxDataBytes, 1, MAX_DATA_BYTES);
    within('expiryBuckets', expiryBuckets, 0, 1_000);
    const keepsEvents = options.keepEvents === true && expiryBuckets > 0;
    this.records = new SessionRecords(new SessionTable(client, tableName), { prefix, buckets: expiryBuckets, events: keepsEvents, absoluteMs: absoluteTimeoutMs, now, ...(watch && { watch }) });
    this.users = new UserSessions({ client: documentClient(client), table: () => tableName }, this.records.ends, { prefix, now });
    this.life = { absoluteMs: absoluteTimeoutMs, ...(idleTimeoutMs !== undefined && { idleMs: idleTimeoutMs }), ...(touchThresholdMs !== undefined && { touchThresholdMs }) };
    this.serializer = serializer;
    this.prefix = prefix;
    this.maxDataBytes = maxDataBytes;
    this.now = now;
  }

  /** A live session, or none. One strongly consistent read. */
  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    answer(callback, this.fetch(sid));
  }

  /** Saves a session. Of one that has ended nothing is kept. Data that has not changed is not written: that is a touch. */
  override set(sid: string, session: SessionData, callback?: Callback): void {
    answer(callback, this.save(sid, session));
  }

  /** Moves a session's expiry on, if by enough. */
  override touch(sid: string, session: SessionData, callback?: Callback): void {
    answer(callback, this.extend(sid, session));
  }

  /** Ends a session: log out. */
  override destroy(sid: string, callback?: Callback): void {
    answer(callback, this.records.ends.end(this.key(sid), 'logout').then(() => undefined));
  }

  /** Every live session, by the hash of its id. Scans the table: for administration, not for requests. */
  override all(callback: (error: unknown, sessions?: { [key: string]: SessionData } | null) => void): void {
    answer(callback, this.everyone());
  }

  /** How many sessions are alive. Scans the table. */
  override length(callback: (error: unknown, length?: number) => void): void {
    answer(callback, this.count());
  }

  /** Ends every session. Scans the table. */
  override clear(callback?: Callback): void {
    answer(callback, this.endEveryone());
  }

  override createSession(request: Request, session: SessionData): Session & SessionData {
    const mark = this.marks.get(session);
    const created = super.createSession(request, session);
    if (mark) this.marks.set(created, mark);
    return created;
  }

  /**
   * Gives the request's session a new id and keeps its data, on a change of privilege. Takes effect when the session is
   * saved, in one transaction: the old id stops working as the new one starts. A session that has ended meanwhile stays
   * ended, and the new id never works.
   */
  rotate(request: Request): void {
    const { session } = request;
    const mark = this.marks.get(session);
    const { cookie: _, ...data } = session;
    request.sessionStore.generate(request);
    Object.assign(request.session, data);
    if (mark) this.marks.set(request.session, { ...mark, rotates: true });
  }

  /** What is kept of a session beside its data; undefined when it was never saved, or has ended. */
  headOf(session: object): SessionHead | undefined {
    return this.marks.get(session)?.head;
  }

  /** For who ends sessions otherwise than by their id. */
  get ends(): SessionEnds {
    return this.records.ends;
  }

  private key(sid: string): string {
    return sessionKey(this.prefix, sid);
  }

  private async fetch(sid: string): Promise<SessionData | null> {
    const found = await this.records.find(this.key(sid));
    return found ? this.restored(found.head, found.data) : null;
  }

  private restored(head: SessionHead, data: SessionBytes): SessionData {
    const session = this.serializer.parse(data);
    const cookie = session.cookie as unknown as { expires?: unknown; originalMaxAge?: number | null } | undefined;
    if (cookie?.expires === EXPIRES) cookie.expires = new Date(head.expiresAt).toISOString();
    this.marks.set(session, { head, data, originalMaxAge: cookie?.originalMaxAge ?? null });
    return session;
  }

  private async save(sid: string, session: SessionData): Promise<void> {
    const key = this.key(sid);
    const mark = this.marks.get(session);
    if (mark?.rotates) return this.saveRotated(key, session, mark);
    const known = mark?.head.key === key ? mark : undefined;
    const { data, originalMaxAge } = this.stored(session, known);
    const now = this.now();
    const absoluteExpiresAt = known?.head.absoluteExpiresAt ?? now + this.life.absoluteMs;
    const expiresAt = expiryOf(this.life, absoluteExpiresAt, now, cookieExpiry(session));
    // The application lets it end: a cookie of the past.
    if (expiresAt <= now) return void (await this.records.ends.end(key, 'logout'));
    if (!known) return this.saveFirst(key, session, { data, originalMaxAge, expiresAt, absoluteExpiresAt });
    this.refuseNewOwner(session, known.head);
    const exactly = originalMaxAge !== known.originalMaxAge;
    if (!exactly && sameBytes(data, known.data)) return this.extendTo(session, known, expiresAt, now);
    this.mark(session, await this.records.save(known.head, { data, expiresAt, exactly, before: known.data }), data, originalMaxAge);
  }

  private async saveFirst(
    key: string,
    session: SessionData,
    { data, originalMaxAge, expiresAt, absoluteExpiresAt }: { data: SessionBytes; originalMaxAge: number | null; expiresAt: number; absoluteExpiresAt: number },
  ): Promise<void> {
    const made = await this.records.create(key, { data, expiresAt, absoluteExpiresAt, ...this.options.ownerOf?.(session) });
    // There is a session under this id: an object that we did not give out is saved over it.
    const head = made && !made.created ? await this.records.save(made.head, { data, expiresAt: Math.min(expiresAt, made.head.absoluteExpiresAt) }) : made?.head;
    this.mark(session, head, data, originalMaxAge);
  }

  private async saveRotated(key: string, session: SessionData, { head }: Mark): Promise<void> {
    const { data, originalMaxAge } = this.stored(session, undefined);
    const expiresAt = expiryOf(this.life, head.absoluteExpiresAt, this.now(), cookieExpiry(session));
    this.refuseNewOwner(session, head);
    this.mark(session, await this.records.rotate(head, key, { data, expiresAt }), data, originalMaxAge);
  }

  private async extend(sid: string, session: SessionData): Promise<void> {
    const key = this.key(sid);
    const mark = this.marks.get(session);
    if (mark?.head.key === key) return this.extendTo(session, mark, this.expiryAfter(session, mark.head), this.now());
    // Not an object of ours: what its expiry is now is read, which is cheaper than a write.
    const found = await this.records.find(key);
    if (!found) return this.options.watch?.refused?.();
    const read = { ...found, originalMaxAge: null };
    await this.extendTo(session, read, this.expiryAfter(session, read.head), this.now());
  }

  private expiryAfter(session: SessionData, head: SessionHead): number {
    return expiryOf(this.life, head.absoluteExpiresAt, this.now(), cookieExpiry(session));
  }

  private async extendTo(session: SessionData, { head, data, originalMaxAge }: Mark, expiresAt: number, now: number): Promise<void> {
    if (isWorthTouching(this.life, head.expiresAt, expiresAt, now)) this.mark(session, await this.records.touch(head, expiresAt), data, originalMaxAge);
    else this.options.watch?.touched?.(false);
  }

  /** Remembers what is known of a session now; of one that has ended that nothing can be saved any more. */
  private mark(session: SessionData, head: SessionHead | undefined, data: SessionBytes, originalMaxAge: number | null): void {
    if (head) this.marks.set(session, { head, data, originalMaxAge });
    else this.marks.delete(session);
  }

  /** The data as it is kept. @throws LongwatchError `invalid` when it is too large. */
  private stored(session: SessionData, known: Mark | undefined): { data: SessionBytes; originalMaxAge: number | null } {
    const cookie = plainCookie(session);
    const given = cookie?.originalMaxAge ?? null;
    const before = known?.originalMaxAge ?? null;
    const originalMaxAge = given !== null && before !== null && Math.abs(given - before) < DRIFT_MS ? before : given;
    const data = this.serializer.stringify({
      ...session,
      ...(cookie && { cookie: { ...cookie, originalMaxAge, ...(cookie.expires ? { expires: EXPIRES } : {}) } as unknown as SessionData['cookie'] }),
    });
    const bytes = byteLength(data);
    if (bytes > this.maxDataBytes)
      throw new LongwatchError('invalid', `The session's data has ${bytes} bytes; at most ${this.maxDataBytes} are kept. Keep what is large elsewhere and its id in the session`, {
        faults: [{ field: 'data', message: `must not be larger than ${this.maxDataBytes} bytes` }],
      });
    return { data, originalMaxAge };
  }

  private refuseNewOwner(session: SessionData, head: SessionHead): void {
    const { ownerOf } = this.options;
    if (!ownerOf || ownerOf(session).userId === head.userId) return;
    throw new LongwatchError('conflict', "A session's user cannot change: call request.session.regenerate() when somebody signs in, and destroy() when they leave");
  }

  private async everyone(): Promise<{ [key: string]: SessionData }> {
    const all: { [key: string]: SessionData } = {};
    for await (const { head, data } of this.records.scan()) all[head.key] = this.restored(head, data);
    return all;
  }

  private async count(): Promise<number> {
    let count = 0;
    for await (const _ of this.records.scan()) count++;
    return count;
  }

  private async endEveryone(): Promise<void> {
    for await (const { head } of this.records.scan()) await this.records.ends.end(head.key, 'revoked');
  }
}

/** The cookie as plain values. */
function plainCookie(session: SessionData): { originalMaxAge?: number | null; expires?: unknown } | undefined {
  const cookie = session.cookie as unknown as { toJSON?(): object } | undefined;
  return cookie && (cookie.toJSON?.() ?? cookie);
}

/** Epoch ms at which the cookie says that it ends. */
function cookieExpiry(session: SessionData): number | undefined {
  const expires = plainCookie(session)?.expires;
  const at = expires instanceof Date ? expires.getTime() : typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

const sameBytes = (a: SessionBytes, b: SessionBytes): boolean => (typeof a === 'string' ? a === b : typeof b !== 'string' && Buffer.compare(a, b) === 0);

function within(name: string, value: number | undefined, min: number, max: number): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= min && value <= max)) throw new TypeError(`${name} must be an integer from ${min} to ${max}, found ${value}`);
}

/**
 * A document client of our own on what either client is made of. On a copy of its settings: the SDK keeps how a document
 * client translates in the settings that it shares with whoever was made from the same client.
 */
function documentClient({ config, middlewareStack }: DynamoDBClient | DynamoDBDocumentClient): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from({ config: { ...config, cacheMiddleware: false }, middlewareStack } as DynamoDBClient);
}

/** Calls back outside of the promise: what a callback throws is its own, not an unhandled rejection. */
function answer<T>(callback: ((error: unknown, result?: T) => void) | undefined, work: Promise<T>): void {
  work.then(
    (result) => callback && process.nextTick(callback, null, result),
    (error: unknown) => callback && process.nextTick(callback, error),
  );
}
