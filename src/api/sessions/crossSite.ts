import type { Request } from 'express';
import { Problem } from '../http/problem';

/**
 * Refuses a write that a page of another site makes with the visitor's session. SameSite=Lax already keeps browsers
 * from sending the cookie with it; this also checks the site that the browser reports (`Sec-Fetch-Site`, OWASP's
 * Cross-Site Request Forgery Prevention Cheat Sheet).
 * @throws Problem 403
 */
export function refuseCrossSite(request: Request): void {
  if (request.method !== 'GET' && request.get('sec-fetch-site') === 'cross-site')
    throw new Problem(403, 'A page of another site may not use the visitor’s session');
}
