import { isLoopback } from '../http/server';

/** Returns the name of the session cookie. Browsers accept the prefix `__Host-` only for Secure cookies of Path=/. */
export const cookieName = (secure: boolean): string => (secure ? '__Host-longwatch' : 'longwatch');

/** Returns the attributes of the session cookie. It has no Domain, and ends with the browser. */
export const cookieAttributes = (secure: boolean) => ({ httpOnly: true, sameSite: 'lax', secure, path: '/' }) as const;

/** Returns the Set-Cookie header that deletes the session cookie. */
export const clearingCookie = (secure: boolean): string =>
  `${cookieName(secure)}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; ` +
  `SameSite=Lax${secure ? '; Secure' : ''}`;

/**
 * Returns whether browsers connect by TLS, so that the cookie can be Secure. A process on the loopback address is
 * reached by TLS only if its public URL says so.
 */
export function isReachedByTls(host: string, publicUrl: string | undefined): boolean {
  if (publicUrl === undefined) return !isLoopback(host);
  const { protocol, hostname } = new URL(publicUrl);
  return protocol === 'https:' || !isLoopback(hostname.replace(/^\[|\]$/g, ''));
}
