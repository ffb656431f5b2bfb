import type { Request } from 'express';
import type { Caller } from '../../domain/platform/caller';
import { type ApiKey, matchingKey, parseApiKeys } from './apiKeys';
import { Guesses } from './guesses';
import { type JwtSettings, Jwts } from './jwts';
import { Problem } from '../http/problem';

export { type ApiKey, ApiKeyError, parseApiKeys } from './apiKeys';
export type { JwtSettings } from './jwts';

/** Longer than any key or JWT of ours: nothing is computed over what is not a token. */
const MAX_TOKEN_LENGTH = 8_192;

/** Authenticates bearer tokens: API keys, compared in constant time, or JWTs checked against a JWKS. */
export class Authenticator {
  private readonly guesses: Guesses;
  private readonly jwts: Jwts | undefined;

  constructor(
    private readonly keys: readonly ApiKey[],
    jwt?: JwtSettings,
    now: () => number = () => Date.now(),
  ) {
    this.guesses = new Guesses(now);
    this.jwts = jwt && new Jwts(jwt, now);
  }

  /** @throws Problem 401 without a valid token, 429 after too many wrong ones from one address. */
  async authenticate(request: Request): Promise<Caller> {
    const address = request.ip ?? request.socket.remoteAddress ?? 'unknown';
    const token = /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!token || token.length > MAX_TOKEN_LENGTH)
      throw new Problem(401, 'Send "Authorization: Bearer <API key or JWT>"', {
        headers: { 'www-authenticate': 'Bearer' },
      });
    const waitMs = this.guesses.waitMs(address);
    const key = matchingKey(this.keys, token);
    // While an address is slowed down, a right guess is as good as a wrong one; who came with the key before did not
    // guess it.
    if (key && (waitMs === 0 || this.guesses.isKnown(address, key.name))) {
      this.guesses.succeeded(address, key.name);
      return { name: key.name, role: key.role, via: 'api-key' };
    }
    // Nobody guesses a signature: JWTs are checked even then, so that no neighbour's old token locks anybody out.
    const caller = key ? undefined : await this.jwts?.caller(token);
    if (caller) return caller;
    if (waitMs > 0)
      throw new Problem(429, 'Too many attempts with a wrong token from this address; wait a minute', {
        headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
      });
    this.guesses.failed(address);
    throw new Problem(401, 'The token is not valid', {
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    });
  }
}

/** The settings by their names. */
export interface AuthenticationSettings {
  LONGWATCH_JWKS_URL?: string | undefined;
  LONGWATCH_JWT_ISSUER?: string | undefined;
  LONGWATCH_JWT_AUDIENCE: string;
}

/**
 * The authenticator that the settings ask for; the keys are the embedded stack's own where none are set.
 * @throws ApiKeyError
 */
export function authenticatorOf(settings: AuthenticationSettings, keys: string | undefined): Authenticator {
  const { LONGWATCH_JWKS_URL: jwksUrl, LONGWATCH_JWT_ISSUER: issuer = '', LONGWATCH_JWT_AUDIENCE: audience } = settings;
  return new Authenticator(
    keys === undefined ? [] : parseApiKeys(keys),
    jwksUrl === undefined ? undefined : { jwksUrl, issuer, audience },
  );
}
