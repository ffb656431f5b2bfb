import type { SessionData } from 'express-session';
import { LongwatchError } from '../../domain/errors';
import { byteLength, type SessionBytes } from './items';

/** Converts session data to the stored form and back. */
export interface SessionSerializer {
  stringify(session: SessionData): SessionBytes;
  parse(bytes: SessionBytes): SessionData;
}

/** The default serialiser. */
export const json: SessionSerializer = {
  stringify: (session) => JSON.stringify(session),
  parse: (bytes) => JSON.parse(String(bytes)) as SessionData,
};

/** The stored form of a session's data, and the cookie's life in ms before express-session reduced it by its clock. */
export interface Encoded {
  data: SessionBytes;
  originalMaxAge: number | null;
}

/** Replaces the cookie's expiry in the data. The expiry is an attribute of the head and changes without the data. */
const EXPIRES = 'ExpiresAt';
/** express-session recomputes `originalMaxAge` at each request, at times some milliseconds less. */
const DRIFT_MS = 1_000;

/**
 * Converts express-session's sessions to stored bytes and back. Equal sessions give equal bytes, whatever their expiry.
 */
export class SessionCodec {
  constructor(
    private readonly serializer: SessionSerializer,
    private readonly maxBytes: number,
  ) {}

  /**
   * Encodes a session.
   * @param before the last known state of the same session.
   * @throws LongwatchError `invalid` if the data is too large.
   */
  encode(session: SessionData, before?: Encoded): Encoded {
    const cookie = plainCookie(session);
    const given = cookie?.originalMaxAge ?? null;
    const known = before?.originalMaxAge ?? null;
    const originalMaxAge = given !== null && known !== null && Math.abs(given - known) < DRIFT_MS ? known : given;
    const data = this.serializer.stringify({
      ...session,
      ...(cookie && {
        cookie: {
          ...cookie,
          originalMaxAge,
          ...(cookie.expires ? { expires: EXPIRES } : {}),
        } as unknown as SessionData['cookie'],
      }),
    });
    const bytes = byteLength(data);
    if (bytes > this.maxBytes)
      throw new LongwatchError(
        'invalid',
        `The session's data has ${bytes} bytes; at most ${this.maxBytes} are allowed. Store large data elsewhere ` +
          'and its id in the session',
        {
          faults: [{ field: 'data', message: `must not be larger than ${this.maxBytes} bytes` }],
        },
      );
    return { data, originalMaxAge };
  }

  /** Decodes a session. @param expiresAt the cookie's expiry, epoch ms. */
  decode(data: SessionBytes, expiresAt: number): { session: SessionData; encoded: Encoded } {
    const session = this.serializer.parse(data);
    const cookie = session.cookie as unknown as PlainCookie | undefined;
    if (cookie?.expires === EXPIRES) cookie.expires = new Date(expiresAt).toISOString();
    return { session, encoded: { data, originalMaxAge: cookie?.originalMaxAge ?? null } };
  }
}

interface PlainCookie {
  originalMaxAge?: number | null;
  expires?: unknown;
}

function plainCookie(session: SessionData): PlainCookie | undefined {
  const cookie = session.cookie as unknown as (PlainCookie & { toJSON?(): PlainCookie }) | undefined;
  return cookie && (cookie.toJSON?.() ?? cookie);
}

/** Returns the cookie's expiry in epoch ms; undefined if it has none. */
export function cookieExpiry(session: SessionData): number | undefined {
  const expires = plainCookie(session)?.expires;
  const at =
    expires instanceof Date ? expires.getTime() : typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** Returns whether two stored forms are equal. */
export const sameBytes = (a: SessionBytes, b: SessionBytes): boolean =>
  typeof a === 'string' ? a === b : typeof b !== 'string' && Buffer.compare(a, b) === 0;
