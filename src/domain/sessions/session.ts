import { defined } from '../defined';

/**
 * Why a session ended: not used for too long, too old, its owner left, somebody ended it, or it goes on under another
 * id.
 */
export const endReasons = ['idle', 'absolute', 'logout', 'revoked', 'rotated'] as const;
export type EndReason = (typeof endReasons)[number];

/** Whose session it is and where it was opened, as far as is known; fixed for its life. */
export interface SessionOwner {
  userId?: string;
  /** For people: "Firefox on Linux". */
  device?: string;
  /** For people: "Berlin". */
  place?: string;
}

/** What is known of a session beside its data. Instants are epoch ms. */
export interface SessionHead extends SessionOwner {
  /** Where it is kept: a hash of its id. The id itself is kept nowhere. */
  key: string;
  /** Its name for people and events: the same under every id that the session has had, and no way to any of them. */
  handle: string;
  createdAt: number;
  lastSeenAt: number;
  /** It is over from this instant on; never after `absoluteExpiresAt`. */
  expiresAt: number;
  absoluteExpiresAt: number;
  /** Data lies in a part of its own, or did once. */
  split?: boolean;
  /** When the sweeper looks at it next; at most `expiresAt`, which moves on without it. Absent: not swept. */
  checkAt?: number;
  ended?: { at: number; reason: EndReason };
}

/** What subscribers are told. The id is the same however often it is sent. */
export interface SessionEnded {
  id: string;
  handle: string;
  userId?: string;
  reason: Exclude<EndReason, 'rotated'>;
  at: number;
}

const DAY_MS = 86_400_000;
/** Lives up to this long are touched every time: there is little to save and much to lose. */
const SHORT_LIFE_MS = 5 * 60_000;

export interface SessionLife {
  /** Idle timeout; absent: the cookie's own, or a day where the cookie has none. */
  idleMs?: number;
  absoluteMs: number;
  /** A touch that would move the expiry by less is not written; absent: a tenth of the life, nothing for short ones. */
  touchThresholdMs?: number;
}

/**
 * When a session ends that is used now: by its cookie, the idle timeout and the absolute timeout, whichever is first.
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
 * Whether a touch is worth a write. Never when it would move the expiry back, as after a step of the clock. No
 * threshold is longer than half a life: a session that is used would end.
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

export const isOver = ({ expiresAt, ended }: Pick<SessionHead, 'expiresAt' | 'ended'>, now: number): boolean =>
  ended !== undefined || expiresAt <= now;

/** Why a session is over that nobody ended. */
export const expiredBecause = ({
  expiresAt,
  absoluteExpiresAt,
}: Pick<SessionHead, 'expiresAt' | 'absoluteExpiresAt'>): 'idle' | 'absolute' =>
  expiresAt >= absoluteExpiresAt ? 'absolute' : 'idle';

/** What the sweeper does with a session whose time has come. */
export type Verdict =
  | { do: 'end'; reason: 'idle' | 'absolute' }
  /** It was used since: look again then. */
  | { do: 'rearm'; checkAt: number }
  /** It has ended and its event is still owed. */
  | { do: 'report' }
  | { do: 'nothing' };

/** @param graceMs whoever ended a session reports it within this time, or has died. */
export function verdictOf(head: SessionHead, now: number, graceMs: number): Verdict {
  if (head.checkAt === undefined) return { do: 'nothing' };
  if (head.ended) return { do: head.ended.at <= now - graceMs ? 'report' : 'nothing' };
  if (head.expiresAt <= now) return { do: 'end', reason: expiredBecause(head) };
  // An index lags: what it still shows as due may have been re-armed.
  return head.checkAt > now ? { do: 'nothing' } : { do: 'rearm', checkAt: head.expiresAt };
}

/** @returns nothing for a rotation: the session goes on. */
export function endedEvent({ handle, userId }: SessionHead, reason: EndReason, at: number): SessionEnded | undefined {
  if (reason === 'rotated') return undefined;
  return { id: `${handle}.ended`, handle, ...defined({ userId }), reason, at };
}
