import type { Request, RequestHandler } from 'express';
import session, { type SessionData } from 'express-session';
import type { SessionHead, SessionOwner } from '../../domain/sessions/session';
import type { DynamoDBSessionStore } from '../../stores/sessions/dynamoDBSessionStore';
import { Problem } from '../http/problem';

declare module 'express-session' {
  interface SessionData {
    userId?: string;
    data?: Record<string, unknown>;
  }
}

export interface SessionFrameSettings {
  /** Signs the cookie. */
  secret: string;
  /** Browsers reach us by TLS. Else the cookie cannot be Secure, nor have the prefix that says so. */
  secure: boolean;
}

/** How a route gets the session of the browser that called it: `session: frame` in its definition. */
export interface SessionFrame {
  middleware: RequestHandler;
  of(request: Request): BrowserSession;
  cookieName: string;
}

/** Of sessions that are being opened: whose they are, until they are saved. */
export type Owners = WeakMap<object, SessionOwner>;

/** For the store: of a session that was loaded, its user alone. */
export const ownerIn =
  (owners: Owners) =>
  (data: SessionData): SessionOwner =>
    owners.get(data) ?? (data.userId === undefined ? {} : { userId: data.userId });

/**
 * express-session on our store. The cookie is HttpOnly, SameSite=Lax, Path=/ without Domain, ends with the browser, and
 * is
 * Secure with the prefix `__Host-` wherever there is TLS: no other host, and no page without TLS, can set it.
 */
export function sessionFrame(
  store: DynamoDBSessionStore,
  owners: Owners,
  { secret, secure }: SessionFrameSettings,
): SessionFrame {
  const cookieName = secure ? '__Host-longwatch' : 'longwatch';
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
      // SameSite=Lax keeps the cookie from other sites' writes; where a browser says what it is, it need not be
      // trusted.
      if (request.method !== 'GET' && request.get('sec-fetch-site') === 'cross-site')
        throw new Problem(403, 'Another site may not do this with the session of its visitor');
      // Whether this hop has TLS says nothing about the browser's: a back end may call, or a proxy. The setting does.
      request.headers['x-forwarded-proto'] = secure ? 'https' : 'http';
      sessions(request, response, next);
    },
    of: (request) =>
      new BrowserSession(
        request,
        store,
        owners,
        `${cookieName}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; ` +
          `SameSite=Lax${secure ? '; Secure' : ''}`,
      ),
  };
}

/** The session of the browser that sent a request. */
export class BrowserSession {
  constructor(
    private readonly request: Request,
    private readonly store: DynamoDBSessionStore,
    private readonly owners: Owners,
    /** Takes the cookie away. */
    readonly farewell: string,
  ) {}

  /** Undefined without a live one. */
  get head(): SessionHead | undefined {
    return this.store.headOf(this.request.session);
  }

  get data(): Record<string, unknown> {
    return this.request.session.data ?? {};
  }

  /** Opens a session, under an id that nobody knows yet. One that the browser had before ends. */
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
   * Merges data; null takes a name away. With `rotates` the session goes on under a new id, and never again under the
   * old.
   */
  async change(changes: Record<string, unknown>, rotates: boolean): Promise<void> {
    if (rotates) this.store.rotate(this.request);
    const merged = { ...this.data, ...changes };
    this.request.session.data = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
    await this.save();
  }

  async end(): Promise<void> {
    if (this.head)
      await new Promise<void>((resolve, reject) =>
        this.request.session.destroy((error: unknown) => (error ? reject(error as Error) : resolve())),
      );
  }

  /** Before the answer, so that no answer promises what was not saved. */
  private async save(): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.request.session.save((error: unknown) => (error ? reject(error as Error) : resolve())),
    );
  }
}
