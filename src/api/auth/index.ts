import type { Request } from 'express';
import type { Caller } from '../../domain/platform/caller';
import { type ApiKey, matchingKey, parseApiKeys } from './apiKeys';
import { WrongTokens } from './wrongTokens';
import { type JwtSettings, Jwts } from './jwts';
import { Problem } from '../http/problem';
import { type Clock, systemClock } from '../../timing/clock';

export { type ApiKey, ApiKeyError, parseApiKeys } from './apiKeys';
export type { JwtSettings } from './jwts';

/** Longer than any valid key or JWT. Longer tokens are refused before any hash is computed. */
const MAX_TOKEN_LENGTH = 8_192;

/** Authenticates bearer tokens: API keys, compared in constant time, and JWTs, verified against a JWKS. */
export class Authenticator {
  private readonly wrongTokens: WrongTokens;
  private readonly jwts: Jwts | undefined;

  constructor(
    private readonly keys: readonly ApiKey[],
    jwt?: JwtSettings,
    clock: Clock = systemClock,
  ) {
    this.wrongTokens = new WrongTokens(clock);
    this.jwts = jwt && new Jwts(jwt, clock);
  }

  /**
   * Returns the caller of a request.
   * @throws Problem 401 without a valid token, 429 after too many wrong tokens from one address.
   */
  async authenticate(request: Request): Promise<Caller> {
    const address = request.ip ?? request.socket.remoteAddress ?? 'unknown';
    const token = /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!token || token.length > MAX_TOKEN_LENGTH)
      throw new Problem(401, 'Send "Authorization: Bearer <API key or JWT>"', {
        headers: { 'www-authenticate': 'Bearer' },
      });
    const waitMs = this.wrongTokens.waitMs(address);
    const key = matchingKey(this.keys, token);
    // While an address is slowed down, even a correct key is refused, so a guess learns nothing. A key that was used
    // from this address before is not a guess.
    if (key && (waitMs === 0 || this.wrongTokens.isKnown(address, key.name))) {
      this.wrongTokens.succeeded(address, key.name);
      return { name: key.name, role: key.role, via: 'api-key' };
    }
    // JWTs are verified even then: nobody can guess a signature, and a wrong token from a neighbour behind the same
    // address must not lock others out.
    const caller = key ? undefined : await this.jwts?.caller(token);
    if (caller) return caller;
    if (waitMs > 0)
      throw new Problem(429, 'Too many attempts with a wrong token from this address; wait a minute', {
        headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
      });
    this.wrongTokens.failed(address);
    throw new Problem(401, 'The token is not valid', {
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    });
  }
}

/** The settings that authentication needs, under their names. */
export interface AuthenticationSettings {
  LONGWATCH_JWKS_URL?: string | undefined;
  LONGWATCH_JWT_ISSUER?: string | undefined;
  LONGWATCH_JWT_AUDIENCE: string;
}

/**
 * Returns the authenticator for these settings.
 * @param keys API keys in the format of `parseApiKeys`; the caller passes generated keys if none are set.
 * @throws ApiKeyError
 */
export function authenticatorOf(settings: AuthenticationSettings, keys: string | undefined): Authenticator {
  const { LONGWATCH_JWKS_URL: jwksUrl, LONGWATCH_JWT_ISSUER: issuer = '', LONGWATCH_JWT_AUDIENCE: audience } = settings;
  return new Authenticator(
    keys === undefined ? [] : parseApiKeys(keys),
    jwksUrl === undefined ? undefined : { jwksUrl, issuer, audience },
  );
}
