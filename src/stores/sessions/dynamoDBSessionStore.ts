import type { Request } from 'express';
import { type Session, type SessionData, Store } from 'express-session';
import { LongwatchError } from '../../domain/errors';
import { expiryOf, isWorthTouching, type SessionHead, type SessionLife } from '../../domain/sessions/session';
import { senderFor } from './applicationClient';
import type { SessionEndings } from './ends';
import { sessionKey } from './keys';
import { checked, type DynamoDBSessionStoreOptions } from './options';
import { SessionRecords, type StoredSession } from './sessionRecords';
import { cookieExpiry, type Encoded, sameBytes, SessionCodec } from './sessionCodec';
import { SessionTable } from './sessionTable';
import { UserSessions } from './userSessions';

export type { DynamoDBSessionStoreOptions } from './options';
export type { SessionSerializer } from './sessionCodec';
export type { SessionWatch } from './settings';

type Callback<T = void> = (error?: unknown, result?: T) => void;

/** The last known state of a session that the application has loaded or saved. */
interface KnownState extends Encoded {
  head: SessionHead;
  /** The next save gives the session a new id. */
  rotates?: boolean;
}

/**
 * A store for express-session on DynamoDB. An ended session (expired, logged out, or ended by another process) stays
 * ended: saves and touches have the condition that the session is alive. A late save or touch is dropped without an
 * error. See docs/sessions.md.
 */
export class DynamoDBSessionStore extends Store {
  /** Lists and ends the sessions of a user, if the option `ownerOf` is set. */
  readonly users: UserSessions;
  private readonly records: SessionRecords;
  private readonly codec: SessionCodec;
  private readonly life: SessionLife;
  private readonly prefix: string;
  private readonly now: () => number;
  /** By session object: those that `get` and `createSession` returned, while a request uses them. */
  private readonly known = new WeakMap<object, KnownState>();

  constructor(private readonly options: DynamoDBSessionStoreOptions) {
    super();
    const { records, life, serializer, maxDataBytes } = checked(options);
    const { tableName } = options;
    const client = senderFor(options.client);
    this.records = new SessionRecords(new SessionTable(client, tableName), records);
    this.users = new UserSessions({ client, table: () => tableName }, this.records.ends, records);
    this.codec = new SessionCodec(serializer, maxDataBytes);
    this.life = life;
    this.prefix = records.prefix;
    this.now = records.now;
  }

  /** Returns a live session, or null. One strongly consistent read. */
  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    answer(callback, this.fetch(sid));
  }

  /** Saves a session. If it has ended, nothing is stored. If the data has not changed, this is only a touch. */
  override set(sid: string, session: SessionData, callback?: Callback): void {
    answer(callback, this.save(sid, session));
  }

  /** Extends a session's expiry, if the extension reaches `touchThresholdMs`. */
  override touch(sid: string, session: SessionData, callback?: Callback): void {
    answer(callback, this.extend(sid, session));
  }

  /** Ends a session with the reason `logout`. */
  override destroy(sid: string, callback?: Callback): void {
    answer(
      callback,
      this.records.ends.end(this.key(sid), 'logout').then(() => undefined),
    );
  }

  /** Returns every live session by the hash of its id. Scans the table: only for administration. */
  override all(callback: (error: unknown, sessions?: { [key: string]: SessionData } | null) => void): void {
    answer(callback, this.everyone());
  }

  /** Returns the number of live sessions. Scans the table. */
  override length(callback: (error: unknown, length?: number) => void): void {
    answer(callback, this.count());
  }

  /** Ends every session. Scans the table. */
  override clear(callback?: Callback): void {
    answer(callback, this.endEveryone());
  }

  /** Creates express-session's object for loaded data. */
  override createSession(request: Request, session: SessionData): Session & SessionData {
    const mark = this.known.get(session);
    const created = super.createSession(request, session);
    if (mark) this.known.set(created, mark);
    return created;
  }

  /**
   * Rotates the id of the request's session, for a change of privilege, and keeps its data. The rotation happens when
   * the session is saved, in one transaction: the old id stops working as the new one starts. A session that ends in
   * between stays ended, and the new id never works.
   */
  rotate(request: Request): void {
    const { session } = request;
    const mark = this.known.get(session);
    request.sessionStore.generate(request);
    Object.assign(request.session, session);
    if (mark) this.known.set(request.session, { ...mark, rotates: true });
  }

  /** Returns the stored attributes of a session without its data; undefined if it was never saved, or has ended. */
  headOf(session: object): SessionHead | undefined {
    return this.known.get(session)?.head;
  }

  /** Ends sessions by key, for callers that do not have the id. */
  get ends(): SessionEndings {
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
    this.known.set(session, { head, ...encoded });
    return session;
  }

  private async save(sid: string, session: SessionData): Promise<void> {
    const key = this.key(sid);
    const mark = this.known.get(session);
    if (mark?.rotates) return this.saveRotated(key, session, mark);
    const cookieEnd = cookieExpiry(session);
    // The application ends the session by a cookie that has expired.
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
    // The id already exists and this object was not loaded through the store, so there is no known state to compare.
    // The save overwrites the session's data.
    const head =
      made && !made.created
        ? await this.records.save(made.head, { data, expiresAt: Math.min(expiresAt, made.head.absoluteExpiresAt) })
        : made?.head;
    this.mark(session, head, encoded);
  }

  private async saveRotated(key: string, session: SessionData, { head }: KnownState): Promise<void> {
    const encoded = this.codec.encode(session);
    this.refuseNewOwner(session, head);
    const expiresAt = this.expiryOf(session, head.absoluteExpiresAt);
    this.mark(session, await this.records.rotate(head, key, { data: encoded.data, expiresAt }), encoded);
  }

  private async extend(sid: string, session: SessionData): Promise<void> {
    const key = this.key(sid);
    const mark = this.known.get(session);
    if (mark?.head.key === key) return this.extendKnown(session, mark);
    // The object was not loaded through the store: read the current expiry, which is cheaper than a write.
    const found = await this.records.find(key);
    if (found) await this.extendTo(session, found.head);
    else this.options.watch?.refused?.();
  }

  private async extendKnown(session: SessionData, mark: KnownState): Promise<void> {
    this.mark(session, await this.extendTo(session, mark.head), mark);
  }

  /** Touches a session if the extension is large enough. @returns its last known head; undefined if it has ended. */
  private async extendTo(session: SessionData, head: SessionHead): Promise<SessionHead | undefined> {
    const expiresAt = this.expiryOf(session, head.absoluteExpiresAt);
    if (isWorthTouching(this.life, head.expiresAt, expiresAt, this.now())) return this.records.touch(head, expiresAt);
    this.options.watch?.touched?.(false);
    return head;
  }

  private expiryOf(session: SessionData, absoluteExpiresAt: number): number {
    return expiryOf(this.life, absoluteExpiresAt, this.now(), cookieExpiry(session));
  }

  /** Stores the last known state of a session object; removes it if the session has ended. */
  private mark(session: SessionData, head: SessionHead | undefined, { data, originalMaxAge }: Encoded): void {
    if (head) this.known.set(session, { head, data, originalMaxAge });
    else this.known.delete(session);
  }

  private refuseNewOwner(session: SessionData, head: SessionHead): void {
    const { ownerOf } = this.options;
    if (!ownerOf || ownerOf(session).userId === head.userId) return;
    throw new LongwatchError(
      'conflict',
      "A session's user cannot change: call request.session.regenerate() at sign-in, and destroy() at sign-out",
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

/** Calls back outside of the promise, so that an error of the callback is not an unhandled rejection. */
function answer<T>(callback: ((error: unknown, result?: T) => void) | undefined, work: Promise<T>): void {
  work.then(
    (result) => callback && process.nextTick(callback, null, result),
    (error: unknown) => callback && process.nextTick(callback, error),
  );
}
