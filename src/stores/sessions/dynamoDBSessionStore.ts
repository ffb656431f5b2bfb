import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Request } from 'express';
import { type Session, type SessionData, Store } from 'express-session';
import { LongwatchError } from '../../domain/errors';
import { expiryOf, isWorthTouching, type SessionHead, type SessionLife } from '../../domain/sessions/session';
import type { SessionEnds } from './ends';
import { sessionKey } from './items';
import { checked, type DynamoDBSessionStoreOptions } from './options';
import { SessionRecords, type StoredSession } from './records';
import { cookieExpiry, type Encoded, sameBytes, SessionCodec } from './sessionCodec';
import { SessionTable } from './sessionTable';
import { UserSessions } from './userSessions';

export type { DynamoDBSessionStoreOptions } from './options';
export type { SessionSerializer } from './sessionCodec';
export type { SessionWatch } from './settings';

type Callback<T = void> = (error?: unknown, result?: T) => void;

/** What was read or written last of a session that the application has in hand. */
interface Mark extends Encoded {
  head: SessionHead;
  /** To be saved under a new id. */
  rotates?: boolean;
}

/**
 * A store for express-session on DynamoDB. What has ended (by expiry, log out, from elsewhere) stays ended: saves and
 * touches of a session are conditional on its being alive, and those that come too late are dropped, not an error.
 * See docs/sessions.md.
 */
export class DynamoDBSessionStore extends Store {
  /** The sessions of each user, where `ownerOf` says whose they are: listed, ended, all ended. */
  readonly users: UserSessions;
  private readonly records: SessionRecords;
  private readonly codec: SessionCodec;
  private readonly life: SessionLife;
  private readonly prefix: string;
  private readonly now: () => number;
  /** By the objects that `get` and `createSession` gave out; for as long as a request has them. */
  private readonly marks = new WeakMap<object, Mark>();

  constructor(private readonly options: DynamoDBSessionStoreOptions) {
    super();
    const { records, life, serializer, maxDataBytes } = checked(options);
    const { client, tableName } = options;
    this.records = new SessionRecords(new SessionTable(client, tableName), records);
    this.users = new UserSessions(
      { client: documentClient(client), table: () => tableName },
      this.records.ends,
      records,
    );
    this.codec = new SessionCodec(serializer, maxDataBytes);
    this.life = life;
    this.prefix = records.prefix;
    this.now = records.now;
  }

  /** A live session, or none. One strongly consistent read. */
  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    answer(callback, this.fetch(sid));
  }

  /**
   * Saves a session. Of one that has ended nothing is kept. Data that has not changed is not written: that is a touch.
   */
  override set(sid: string, session: SessionData, callback?: Callback): void {
    answer(callback, this.save(sid, session));
  }

  /** Moves a session's expiry on, if by enough. */
  override touch(sid: string, session: SessionData, callback?: Callback): void {
    answer(callback, this.extend(sid, session));
  }

  /** Ends a session: log out. */
  override destroy(sid: string, callback?: Callback): void {
    answer(
      callback,
      this.records.ends.end(this.key(sid), 'logout').then(() => undefined),
    );
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
    request.sessionStore.generate(request);
    Object.assign(request.session, session);
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
    return found ? this.restored(found) : null;
  }

  private restored({ head, data }: StoredSession): SessionData {
    const { session, encoded } = this.codec.decode(data, head.expiresAt);
    this.marks.set(session, { head, ...encoded });
    return session;
  }

  private async save(sid: string, session: SessionData): Promise<void> {
    const key = this.key(sid);
    const mark = this.marks.get(session);
    if (mark?.rotates) return this.saveRotated(key, session, mark);
    const cookieEnd = cookieExpiry(session);
    // The application lets it end: a cookie of the past.
    if (cookieEnd !== undefined && cookieEnd <= this.now()) return void (await this.records.ends.end(key, 'logout'));
    if (mark?.head.key !== key) return this.saveFirst(key, session);
    const encoded = this.codec.encode(session, mark);
    this.refuseNewOwner(session, mark.head);
    const exactly = encoded.originalMaxAge !== mark.originalMaxAge;
    if (!exactly && sameBytes(encoded.data, mark.data)) return this.extendKnown(session, mark);
    const expiresAt = this.expiryOf(session, mark.head.absoluteExpiresAt);
    this.mark(
      session,
      await this.records.save(mark.head, { data: encoded.data, expiresAt, exactly, before: mark.data }),
      encoded,
    );
  }

  private async saveFirst(key: string, session: SessionData): Promise<void> {
    const encoded = this.codec.encode(session);
    const { data } = encoded;
    const absoluteExpiresAt = this.now() + this.life.absoluteMs;
    const expiresAt = this.expiryOf(session, absoluteExpiresAt);
    const made = await this.records.create(key, {
      data,
      expiresAt,
      absoluteExpiresAt,
      ...this.options.ownerOf?.(session),
    });
    // There is a session under this id: an object that we did not give out is saved over it.
    const head =
      made && !made.created
        ? await this.records.save(made.head, { data, expiresAt: Math.min(expiresAt, made.head.absoluteExpiresAt) })
        : made?.head;
    this.mark(session, head, encoded);
  }

  private async saveRotated(key: string, session: SessionData, { head }: Mark): Promise<void> {
    const encoded = this.codec.encode(session);
    this.refuseNewOwner(session, head);
    const expiresAt = this.expiryOf(session, head.absoluteExpiresAt);
    this.mark(session, await this.records.rotate(head, key, { data: encoded.data, expiresAt }), encoded);
  }

  private async extend(sid: string, session: SessionData): Promise<void> {
    const key = this.key(sid);
    const mark = this.marks.get(session);
    if (mark?.head.key === key) return this.extendKnown(session, mark);
    // Not an object of ours: what its expiry is now is read, which is cheaper than a write.
    const found = await this.records.find(key);
    if (found) await this.extendTo(session, found.head);
    else this.options.watch?.refused?.();
  }

  private async extendKnown(session: SessionData, mark: Mark): Promise<void> {
    this.mark(session, await this.extendTo(session, mark.head), mark);
  }

  /** @returns the session as it is now, as far as is known; undefined where it has ended. */
  private async extendTo(session: SessionData, head: SessionHead): Promise<SessionHead | undefined> {
    const expiresAt = this.expiryOf(session, head.absoluteExpiresAt);
    if (isWorthTouching(this.life, head.expiresAt, expiresAt, this.now())) return this.records.touch(head, expiresAt);
    this.options.watch?.touched?.(false);
    return head;
  }

  private expiryOf(session: SessionData, absoluteExpiresAt: number): number {
    return expiryOf(this.life, absoluteExpiresAt, this.now(), cookieExpiry(session));
  }

  /** Remembers what is known of a session now; of one that has ended that nothing can be saved any more. */
  private mark(session: SessionData, head: SessionHead | undefined, { data, originalMaxAge }: Encoded): void {
    if (head) this.marks.set(session, { head, data, originalMaxAge });
    else this.marks.delete(session);
  }

  private refuseNewOwner(session: SessionData, head: SessionHead): void {
    const { ownerOf } = this.options;
    if (!ownerOf || ownerOf(session).userId === head.userId) return;
    throw new LongwatchError(
      'conflict',
      "A session's user cannot change: call request.session.regenerate() when somebody signs in, and destroy() " +
        'when they leave',
    );
  }

  private async everyone(): Promise<{ [key: string]: SessionData }> {
    const all: { [key: string]: SessionData } = {};
    for await (const found of this.records.scan()) all[found.head.key] = this.restored(found);
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

/**
 * A document client of our own on what either client is made of. On a copy of its settings: the SDK keeps how a
 * document
 * client translates in the settings that it shares with whoever was made from the same client.
 */
function documentClient({ config, middlewareStack }: DynamoDBClient | DynamoDBDocumentClient): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from({
    config: { ...config, cacheMiddleware: false },
    middlewareStack,
  } as DynamoDBClient);
}

/** Calls back outside of the promise: what a callback throws is its own, not an unhandled rejection. */
function answer<T>(callback: ((error: unknown, result?: T) => void) | undefined, work: Promise<T>): void {
  work.then(
    (result) => callback && process.nextTick(callback, null, result),
    (error: unknown) => callback && process.nextTick(callback, error),
  );
}
