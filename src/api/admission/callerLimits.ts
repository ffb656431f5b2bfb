import { LRUCache } from 'lru-cache';
import type { Caller, Role } from '../../domain/platform/caller';
import { Problem } from '../http/problem';
import { type Clock, monotonicClock } from '../../timing/clock';

/** A token bucket: `perSecond` requests a second on average, and at most `burst` at once. */
export interface RateLimit {
  perSecond: number;
  burst: number;
}

/** Rate limits by role. A role without a limit is not limited. */
export type RateLimits = Readonly<Partial<Record<Role, RateLimit>>>;

/**
 * Maximum number of callers whose buckets are kept. The least recently seen caller is evicted first; its bucket is
 * usually full again, so eviction rarely loses anything.
 */
const REMEMBERED = 100_000;
const POLICY = 'caller';

/**
 * Limits the request rate of each caller, by API key or JWT subject, in this process. It stores one number for each
 * caller: the time at which its bucket is full again (the generic cell rate algorithm, ITU-T I.371, which is equivalent
 * to a token bucket).
 */
export class CallerLimits {
  private readonly fullAt: LRUCache<string, number>;

  constructor(
    private readonly limits: RateLimits,
    private readonly clock: Clock = monotonicClock,
    remembered = REMEMBERED,
  ) {
    this.fullAt = new LRUCache({ max: remembered });
  }

  /**
   * Takes one token from the caller's bucket.
   * @returns the RateLimit headers that report the caller's quota (draft-ietf-httpapi-ratelimit-headers-10).
   * @throws Problem 429 with Retry-After if the bucket is empty.
   */
  take({ name, role, via }: Caller): Record<string, string> {
    const limit = this.limits[role];
    if (!limit) return {};
    const now = this.clock.now();
    const interval = 1_000 / limit.perSecond;
    const key = `${via} ${role} ${name}`;
    const full = Math.max(now, this.fullAt.get(key) ?? now) + interval;
    const over = full - now - limit.burst * interval;
    // Rounding must not refuse the last token.
    if (over > 1e-6) {
      const seconds = Math.max(1, Math.ceil(over / 1_000));
      throw new Problem(
        429,
        `${name} exceeded its rate limit of ${limit.perSecond} requests a second (${limit.burst} at once). ` +
          `Retry after ${seconds} s`,
        {
          type: 'quota-exceeded',
          headers: { 'retry-after': String(seconds), ...rateLimitHeaders(limit, 0, seconds) },
        },
      );
    }
    this.fullAt.set(key, full);
    const used = (full - now) / interval;
    return rateLimitHeaders(limit, Math.floor(limit.burst - used + 1e-6), Math.ceil((full - now) / 1_000));
  }
}

const rateLimitHeaders = (
  { perSecond, burst }: RateLimit,
  remaining: number,
  fullInSeconds: number,
): Record<string, string> => ({
  'ratelimit-policy': `"${POLICY}";q=${burst};w=${Math.max(1, Math.ceil(burst / perSecond))}`,
  ratelimit: `"${POLICY}";r=${Math.max(0, remaining)};t=${fullInSeconds}`,
});
