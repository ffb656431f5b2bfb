import type { Request, RequestHandler } from 'express';
import session, { type SessionData } from 'express-session';
import type { SessionHead, SessionOwner } from '../../domain/sessions/session';
import type { DynamoDBSessionStore } from '../../stores/sessions/dynamoDBSessionStore';
import { refuseCrossSite } from './crossSite';
import { clearingCookie as clear, cookieName as nameOf } from './sessionCookie';

declare module 'express-session' {
  interface SessionData {
    userId?: string;
    data?: Record<string, unknown>;
  }
}

/** Settings of the session cookie. */
export interface SessionFrameSettings {
  /** Secret that signs the cookie. */
  secret: string;
  /** Whether browsers connect by TLS. Without TLS the cookie cannot be Secure or have the prefix `__Host-`. */
  secure: boolean;
}

/** Loads the session of the browser that sent a request. A route uses it with `session: frame`. */
export interface SessionFrame {
  middleware: RequestHandler;
  of(request: Request): BrowserSession;
  cookieName: string;
}

/** Owners of sessions that are being opened, until they are saved. */
export type Owners = WeakMap<object, SessionOwner>;

/** Returns the owner of a session for the store. For a loaded session only the user is known. */
export const ownerIn =
  (owners: Owners) =>
  (data: SessionData): SessionOwner =>
    owners.get(data) ?? (data.userId === undefined ? {} : { userId: data.userId });

/**
 * express-session on the DynamoDB store. The cookie is HttpOnly, SameSite=Lax and Path=/ without Domain, and ends with
 * the browser. With TLS it is also Secure and has the prefix `__Host-`, so no other host and no page without TLS can
 * set it.
 */
export function sessionFrame(
  store: DynamoDBSessionStore,
  owners: Owners,
  { secret, secure }: SessionFrameSettings,
): SessionFrame {
  const cookieName = nameOf(secure);
  const cookie = { httpOnly: true, sameSite: 'lax', secure, path: '/' } as const;
  const sessions = session({
    store,
    secret,
    name: cookieName,
    cookie,
    resave: false,
    saveUninitialized: false,
    proxy: true,
  });
  return {
    cookieName,
    middleware: (request, response, next) => {
      refuseCrossSite(request);
      // Whether this connection uses TLS says nothing about the browser's: a back end or a proxy may be in between. The
      // setting decides.
      request.headers['x-forwarded-proto'] = secure ? 'https' : 'http';
      sessions(request, response, next);
    },
    of: (request) => new BrowserSession(request, store, owners, clear(secure)),
  };
}

/** The session of the browser that sent a request. */
export class BrowserSession {
  constructor(
    private readonly request: Request,
    private readonly store: DynamoDBSessionStore,
    private readonly owners: Owners,
    /** Set-Cookie header that deletes the cookie. */
    readonly clearingCookie: string,
  ) {}

  /** Head of the live session; undefined without one. */
  get head(): SessionHead | undefined {
    return this.store.headOf(this.request.session);
  }

  /** Data of the session. */
  get data(): Record<string, unknown> {
    return this.request.session.data ?? {};
  }

  /**
   * Opens a session under a new id. An earlier session of the browser ends.
   * @param data initial data
   */
  async open(owner: SessionOwner & { userId: string }, data: Record<string, unknown>): Promise<void> {
    if (this.head)
      await new Promise<void>((resolve, reject) =>
        this.request.session.regenerate((error: unknown) => (error ? reject(error as Error) : resolve())),
      );
    Object.assign(this.request.session, { userId: owner.userId, data });
    this.owners.set(this.request.session, owner);
    await this.save();
  }

  /**
   * Merges data into the session; null deletes a name. With `rotates` the session gets a new id, and the old id never
   * works again.
   */
  async change(changes: Record<string, unknown>, rotates: boolean): Promise<void> {
    if (rotates) this.store.rotate(this.request);
    const merged = { ...this.data, ...changes };
    this.request.session.data = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
    await this.save();
  }

  /** Ends the session, if there is one. */
  async end(): Promise<void> {
    if (this.head)
      await new Promise<void>((resolve, reject) =>
        this.request.session.destroy((error: unknown) => (error ? reject(error as Error) : resolve())),
      );
  }

  /** Saves before the reply is sent, so a reply never reports a change that was not saved. */
  private async save(): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.request.session.save((error: unknown) => (error ? reject(error as Error) : resolve())),
    );
  }
}
