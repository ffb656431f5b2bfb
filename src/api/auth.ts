import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { type Caller, type Role, roles } from '../domain/caller';
import { ID_PATTERN } from '../domain/ids';
import { Problem } from './problem';

export interface ApiKey {
  name: string;
  role: Role;
  /** SHA-256 of the key; the key itself is not kept. */
  digest: Buffer;
}

export class ApiKeyError extends Error {
  override readonly name = 'ApiKeyError';
}

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();
const MIN_KEY_LENGTH = 16;

/**
 * Parses `name:role:key,…`.
 * @throws ApiKeyError naming the entry by its position, never showing a key.
 */
export function parseApiKeys(text: string): ApiKey[] {
  return text.split(',').map((entry, i) => {
    const [name = '', role = '', ...rest] = entry.trim().split(':');
    const key = rest.join(':');
    const fault = (what: string) => new ApiKeyError(`LONGWATCH_API_KEYS: entry ${i + 1} ${what}; the form is name:role:key,…`);
    if (!ID_PATTERN.test(name)) throw fault('has no valid name');
    if (!roles.includes(role as Role)) throw fault(`has a role that is not one of ${roles.join(', ')}`);
    if (key.length < MIN_KEY_LENGTH) throw fault(`has a key shorter than ${MIN_KEY_LENGTH} characters`);
    return { name, role: role as Role, digest: digestOf(key) };
  });
}

export interface JwtSettings {
  jwksUrl: string;
  issuer?: string;
  audience: string;
}

/** Attempts with a wrong token that an address has a minute before it must wait. */
const FAILURES_A_MINUTE = 20;
const REMEMBERED_ADDRESSES = 10_000;

/** Authenticates bearer tokens: API keys, compared in constant time, or JWTs checked against a JWKS. */
export class Authenticator {
  private readonly failures = new Map<string, { count: number; since: number }>();
  private readonly jwks: ReturnType<typeof createRemoteJWKSet> | undefined;

  constructor(
    private readonly keys: readonly ApiKey[],
    private readonly jwt?: JwtSettings,
    private readonly now: () => number = Date.now,
  ) {
    this.jwks = jwt && createRemoteJWKSet(new URL(jwt.jwksUrl));
  }

  /** @throws Problem 401 without a valid token, 429 after too many wrong ones from one address. */
  async authenticate(request: Request): Promise<Caller> {
    const address = request.socket.remoteAddress ?? 'unknown';
    const token = /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!token)
      throw new Problem(401, 'Send "Authorization: Bearer <API key or JWT>"', { headers: { 'www-authenticate': 'Bearer' } });
    const known = this.byKey(token);
    if (known) return known; // Not slowed down: who has a key may share an address with somebody who guesses.
    this.slowDown(address);
    const caller = await this.byJwt(token);
    if (caller) return caller;
    this.failed(address);
    throw new Problem(401, 'The token is not valid', { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } });
  }

  private byKey(token: string): Caller | undefined {
    const digest = digestOf(token);
    let found: ApiKey | undefined;
    // All are compared, so that the time taken tells nothing about which one matched.
    for (const key of this.keys) if (timingSafeEqual(key.digest, digest)) found = key;
    return found && { name: found.name, role: found.role, via: 'api-key' };
  }

  private async byJwt(token: string): Promise<Caller | undefined> {
    if (!this.jwks || !this.jwt || token.split('.').length !== 3) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.jwks, {
        audience: this.jwt.audience,
        ...(this.jwt.issuer && { issuer: this.jwt.issuer }),
        // Pinned: never "none", never an HMAC with a public key as its secret.
        algorithms: ['RS256', 'ES256', 'EdDSA'],
        clockTolerance: 30,
        requiredClaims: ['exp', 'sub'],
      });
      const role = payload['role'] as Role;
      if (!payload.sub || !ID_PATTERN.test(payload.sub) || !roles.includes(role)) return undefined;
      return { name: payload.sub, role, via: 'jwt' };
    } catch {
      return undefined; // Why it is not valid is nothing that its sender need know.
    }
  }

  private slowDown(address: string): void {
    const seen = this.failures.get(address);
    if (!seen) return;
    if (this.now() - seen.since > 60_000) this.failures.delete(address);
    else if (seen.count >= FAILURES_A_MINUTE)
      throw new Problem(429, 'Too many attempts with a wrong token from this address; wait a minute', {
        headers: { 'retry-after': '60' },
      });
  }

  private failed(address: string): void {
    const seen = this.failures.get(address) ?? { count: 0, since: this.now() };
    this.failures.delete(address);
    this.failures.set(address, { count: seen.count + 1, since: seen.since });
    const [oldest] = this.failures.keys();
    if (this.failures.size > REMEMBERED_ADDRESSES && oldest !== undefined) this.failures.delete(oldest);
  }
}
