import type { Request, RequestHandler } from 'express';
import session from 'express-session';
import type { DynamoDBSessionStore } from '../../stores/sessions/dynamoDBSessionStore';
import { BrowserSession, type Owners } from './browserSession';
import { refuseCrossSite } from './crossSite';
import { clearingCookie as clear, cookieAttributes, cookieName as nameOf } from './sessionCookie';

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
  const sessions = session({
    store,
    secret,
    name: cookieName,
    cookie: cookieAttributes(secure),
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
