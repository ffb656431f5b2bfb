import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { type Caller, type Role, roles } from '../../domain/platform/caller';
import { LongwatchError } from '../../domain/errors';
import { ID_PATTERN } from '../../domain/ids';
import { type Clock, systemClock } from '../../timing/clock';

/** Where JWTs come from and what they must claim. */
export interface JwtSettings {
  jwksUrl: string;
  /** Expected `iss`. */
  issuer: string;
  /** Expected in `aud`. */
  audience: string;
}

/** Pinned, so that "none" and an HMAC with a public key as its secret are refused (RFC 8725, section 3.1). */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
/** Allowed difference between the clocks of the issuer and this process, in seconds. */
const CLOCK_TOLERANCE_S = 30;
/** How long the issuer's keys are cached. A withdrawn key stays accepted for at most this time. */
const KEYS_FRESH_MS = 10 * 60_000;
/** Minimum time between two reads of the keys that tokens with an unknown key cause. */
const KEYS_COOLDOWN_MS = 30_000;
const KEYS_TIMEOUT_MS = 3_000;
/** After a failed read, tokens cause no further read for this time. */
const PAUSE_AFTER_FAILURE_MS = 2_000;

/** Verifies JWTs against the keys that their issuer publishes (RFC 7519, RFC 8725). */
export class Jwts {
  private readonly keyOf: JWTVerifyGetKey;
  private failedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly settings: JwtSettings,
    private readonly clock: Clock = systemClock,
  ) {
    const keys = createRemoteJWKSet(new URL(settings.jwksUrl), {
      cacheMaxAge: KEYS_FRESH_MS,
      cooldownDuration: KEYS_COOLDOWN_MS,
      timeoutDuration: KEYS_TIMEOUT_MS,
      [customFetch]: (url, options) => this.readKeys(url, options),
    });
    this.keyOf = async (header, token) => {
      try {
        return await keys(header, token);
      } catch (error) {
        if (isOfTheToken(error)) throw error;
        throw new LongwatchError('unavailable', 'The keys that verify JWTs cannot be read. Retry, or use an API key', {
          retryAfterSeconds: 5,
          cause: error,
        });
      }
    };
  }

  /**
   * Returns the caller that a JWT names, or undefined if the token is not valid.
   * @throws LongwatchError `unavailable` if the keys cannot be read and none are cached.
   */
  async caller(token: string): Promise<Caller | undefined> {
    if (token.split('.').length !== 3) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.keyOf, {
        audience: this.settings.audience,
        issuer: this.settings.issuer,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(this.clock.now()),
        requiredClaims: ['exp', 'sub'],
      });
      const role = payload['role'];
      // The role must be one string. A list of roles is refused, because no rule says which of them counts.
      if (
        typeof payload.sub !== 'string' ||
        !ID_PATTERN.test(payload.sub) ||
        typeof role !== 'string' ||
        !roles.includes(role as Role)
      )
        return undefined;
      return { name: payload.sub, role: role as Role, via: 'jwt' };
    } catch (error) {
      if (error instanceof LongwatchError) throw error;
      return undefined; // The sender does not learn why its token is not valid.
    }
  }

  private async readKeys(url: string, options: RequestInit): Promise<Response> {
    if (this.clock.now() - this.failedAt < PAUSE_AFTER_FAILURE_MS)
      throw new Error('the last read of the keys failed less than two seconds ago');
    try {
      const response = await fetch(url, options);
      if (response.status !== 200) this.failedAt = this.clock.now();
      return response;
    } catch (error) {
      this.failedAt = this.clock.now();
      throw error;
    }
  }
}

/** Whether the keys were read and none of them fits the token. */
const isOfTheToken = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWKSMultipleMatchingKeys ||
  error instanceof errors.JOSENotSupported;
