import { defined } from '../defined';

/**
 * The reasons for the end of a session: idle timeout, absolute timeout, logout by its owner, revocation, or rotation to
 * another id.
 */
export const endReasons = ['idle', 'absolute', 'logout', 'revoked', 'rotated'] as const;
/** One of {@link endReasons}. */
export type EndReason = (typeof endReasons)[number];

/** The owner of a session, and the device and place where it was opened, as far as known. Fixed for its lifetime. */
export interface SessionOwner {
  userId?: string;
  /** A description for people: "Firefox on Linux". */
  device?: string;
  /** A description for people: "Berlin". */
  place?: string;
}

/** The stored attributes of a session except its data. Instants are epoch ms. */
export interface SessionHead extends SessionOwner {
  /** The key of its item: a hash of the session id. The id itself is not stored. */
  key: string;
  /** A public name for pages and events. It survives id rotations, and no session id can be derived from it. */
  handle: string;
  createdAt: number;
  lastSeenAt: number;
  /** The session is expired from this instant on; never later than `absoluteExpiresAt`. */
  expiresAt: number;
  absoluteExpiresAt: number;
  /** Whether the data has, or once had, an item of its own. */
  split?: boolean;
  /**
   * When the session sweeper checks the session next. At most `expiresAt`, which touches move on without changing this.
   * Absent: the sweeper does not check it.
   */
  checkAt?: number;
  ended?: { at: number; reason: EndReason };
}

/** The event that subscribers get. Its id is the same each time it is sent. */
export interface SessionEnded {
  id: string;
  handle: string;
  userId?: string;
  reason: Exclude<EndReason, 'rotated'>;
  at: number;
}

const DAY_MS = 86_400_000;
/** Shorter lifetimes are touched on every request: skipping touches saves few writes and risks early expiry. */
const SHORT_LIFE_MS = 5 * 60_000;

/** The timeouts of sessions, in milliseconds. */
export interface SessionLife {
  /** Idle timeout; absent: the cookie's expiry, or a day if the cookie has none. */
  idleMs?: number;
  absoluteMs: number;
  /**
   * Minimum extension of the expiry for which a touch is written; absent: a tenth of the lifetime, or 0 for lifetimes
   * of up to 5 minutes.
   */
  touchThresholdMs?: number;
}

/**
 * Returns the expiry (epoch ms) of a session that is used now: the earliest of the cookie's expiry, the idle timeout
 * and the absolute timeout.
 */
export function expiryOf(
  { idleMs }: SessionLife,
  absoluteExpiresAt: number,
  now: number,
  cookieExpires?: number,
): number {
  const byCookie = cookieExpires ?? Number.POSITIVE_INFINITY;
  const byIdle = now + (idleMs ?? (cookieExpires === undefined ? DAY_MS : Number.POSITIVE_INFINITY));
  return Math.min(byCookie, byIdle, absoluteExpiresAt);
}

/**
 * Returns whether a touch should be written. A touch never moves the expiry back, as it would after the clock was set
 * back. The threshold is limited to half a lifetime; otherwise a session that is in use could expire.
 */
export function isWorthTouching(
  { touchThresholdMs }: SessionLife,
  expiresAt: number,
  next: number,
  now: number,
): boolean {
  const life = next - now;
  const threshold = Math.min(touchThresholdMs ?? (life > SHORT_LIFE_MS ? life / 10 : 0), life / 2);
  return next > expiresAt && next - expiresAt >= threshold;
}

/**
 * Returns whether a save moves the expiry: forward, or to any time if the application changed the session's life.
 * @param exactly whether the application changed it (the cookie's `maxAge`)
 */
export const movesExpiry = (expiresAt: number, next: number, exactly: boolean): boolean => exactly || next > expiresAt;

/** Returns whether a session has ended or expired. */
export const isOver = ({ expiresAt, ended }: Pick<SessionHead, 'expiresAt' | 'ended'>, now: number): boolean =>
  ended !== undefined || expiresAt <= now;

/** Returns the reason why a session expired. */
export const expiredBecause = ({
  expiresAt,
  absoluteExpiresAt,
}: Pick<SessionHead, 'expiresAt' | 'absoluteExpiresAt'>): 'idle' | 'absolute' =>
  expiresAt >= absoluteExpiresAt ? 'absolute' : 'idle';

/** The sweeper's action on a session whose check is due. */
export type Verdict =
  | { do: 'end'; reason: 'idle' | 'absolute' }
  /** The session was used since its check was set: check it again at its new expiry. */
  | { do: 'rearm'; checkAt: number }
  /** The session has ended, and its event has not been sent yet. */
  | { do: 'report' }
  | { do: 'nothing' };

/**
 * Returns the sweeper's action.
 * @param graceMs time for the process that ended a session to send its event; after it the sweeper sends the event.
 */
export function verdictOf(head: SessionHead, now: number, graceMs: number): Verdict {
  if (head.checkAt === undefined) return { do: 'nothing' };
  if (head.ended) return { do: head.ended.at <= now - graceMs ? 'report' : 'nothing' };
  if (head.expiresAt <= now) return { do: 'end', reason: expiredBecause(head) };
  // The index is eventually consistent: a session that it shows as due may have a new check time already.
  return head.checkAt > now ? { do: 'nothing' } : { do: 'rearm', checkAt: head.expiresAt };
}

/** Returns the event of an ended session; undefined for a rotation, after which the session continues. */
export function endedEvent({ handle, userId }: SessionHead, reason: EndReason, at: number): SessionEnded | undefined {
  if (reason === 'rotated') return undefined;
  return { id: `${handle}.ended`, handle, ...defined({ userId }), reason, at };
}

/** Returns the data of a session after a change: new values replace old ones, and null deletes a name. */
export const mergedData = (
  data: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries({ ...data, ...changes }).filter(([, value]) => value !== null));
