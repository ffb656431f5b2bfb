import type { SessionData } from 'express-session';
import { LongwatchError } from '../../domain/errors';
import { byteLength, type SessionBytes } from './items';

export interface SessionSerializer {
  stringify(session: SessionData): SessionBytes;
  parse(bytes: SessionBytes): SessionData;
}

export const json: SessionSerializer = {
  stringify: (session) => JSON.stringify(session),
  parse: (bytes) => JSON.parse(String(bytes)) as SessionData,
};

/**
 * What is kept of a session's data, and the length of its cookie's life, before express-session's clock rounded it
 * down.
 */
export interface Encoded {
  data: SessionBytes;
  originalMaxAge: number | null;
}

/** Stands in the data where the cookie's expiry would: that is an attribute, and moves without the data. */
const EXPIRES = 'ExpiresAt';
/** express-session sets `originalMaxAge` anew at each request, some milliseconds short at times. */
const DRIFT_MS = 1_000;

/**
 * Between sessions as express-session has them and the bytes that are kept: equal sessions are equal bytes, whenever
 * they end.
 */
export class SessionCodec {
  constructor(
    private readonly serializer: SessionSerializer,
    private readonly maxBytes: number,
  ) {}

  /** @param before what is known of the same session. @throws LongwatchError `invalid` when it is too large. */
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
        `The session's data has ${bytes} bytes; at most ${this.maxBytes} are kept. Keep what is large elsewhere ` +
          'and its id in the session',
        {
          faults: [{ field: 'data', message: `must not be larger than ${this.maxBytes} bytes` }],
        },
      );
    return { data, originalMaxAge };
  }

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

/** Epoch ms at which the cookie says that it ends. */
export function cookieExpiry(session: SessionData): number | undefined {
  const expires = plainCookie(session)?.expires;
  const at =
    expires instanceof Date ? expires.getTime() : typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

export const sameBytes = (a: SessionBytes, b: SessionBytes): boolean =>
  typeof a === 'string' ? a === b : typeof b !== 'string' && Buffer.compare(a, b) === 0;
