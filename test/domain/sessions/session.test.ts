import * as fc from 'fast-check';
import {
  endedEvent,
  endReasons,
  expiredBecause,
  expiryOf,
  isOver,
  isWorthTouching,
  mergedData,
  type SessionHead,
  verdictOf,
} from '../../../src/domain/sessions/session';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOW = Date.UTC(2026, 0, 1);

const arbitraryMs = fc.integer({ min: 1_000, max: 30 * DAY });
const arbitraryHead: fc.Arbitrary<SessionHead> = fc
  .record({
    expiresIn: fc.integer({ min: -10, max: 10 }),
    checkIn: fc.option(fc.integer({ min: -10, max: 10 }), { nil: undefined }),
    lastsLonger: fc.nat(5),
    ended: fc.option(fc.record({ ago: fc.nat(20), reason: fc.constantFrom(...endReasons) }), { nil: undefined }),
  })
  .map(({ expiresIn, checkIn, lastsLonger, ended }) => ({
    key: 'k',
    handle: 'h',
    userId: 'ada',
    createdAt: 0,
    lastSeenAt: 0,
    expiresAt: NOW + expiresIn,
    absoluteExpiresAt: NOW + expiresIn + lastsLonger,
    ...(checkIn !== undefined && { checkAt: NOW + checkIn }),
    ...(ended && { ended: { at: NOW - ended.ago, reason: ended.reason } }),
  }));

it('a session that is used now ends by the cookie, by idleness or by age, whichever is first', () => {
  const arbitraryOptional = fc.option(arbitraryMs, { nil: undefined });
  fc.assert(
    fc.property(arbitraryOptional, arbitraryMs, arbitraryOptional, (idleMs, absoluteIn, cookieIn) => {
      const life = { absoluteMs: absoluteIn, ...(idleMs !== undefined && { idleMs }) };
      const ends = expiryOf(life, NOW + absoluteIn, NOW, cookieIn && NOW + cookieIn);
      const limits = [absoluteIn, idleMs, cookieIn].filter((limit) => limit !== undefined);
      // A day, where neither the cookie nor a setting says when an idle session ends.
      if (idleMs === undefined && cookieIn === undefined) limits.push(DAY);
      expect(ends - NOW).toBe(Math.min(...limits));
    }),
  );
});

it('a session that is used in time never ends by idleness, however rarely a touch is written', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 2 * DAY }),
      fc.option(arbitraryMs, { nil: undefined }),
      fc.array(fc.double({ min: 0, max: 0.49, noNaN: true }), { maxLength: 40 }),
      (idleMs, touchThresholdMs, pauses) => {
        const life = {
          idleMs,
          absoluteMs: 365 * DAY,
          ...(touchThresholdMs !== undefined && { touchThresholdMs }),
        };
        let now = NOW;
        let expiresAt = expiryOf(life, NOW + life.absoluteMs, now);
        for (const pause of pauses) {
          // Used at least twice in the idle timeout.
          now += Math.floor(pause * idleMs);
          expect(isOver({ expiresAt }, now)).toBe(false);
          const next = expiryOf(life, NOW + life.absoluteMs, now);
          if (isWorthTouching(life, expiresAt, next, now)) expiresAt = next;
        }
      },
    ),
  );
});

it('a touch never moves an expiry back, and a short life is touched each time', () => {
  fc.assert(
    fc.property(arbitraryMs, arbitraryMs, (a, b) => {
      if (b <= a) expect(isWorthTouching({ absoluteMs: DAY }, NOW + a, NOW + b, NOW)).toBe(false);
    }),
  );
  const life = { absoluteMs: DAY };
  expect(isWorthTouching(life, NOW + 5 * MINUTE - 1, NOW + 5 * MINUTE, NOW)).toBe(true);
  expect(isWorthTouching(life, NOW + 60 * MINUTE - 1, NOW + 60 * MINUTE, NOW)).toBe(false);
  expect(isWorthTouching(life, NOW + 54 * MINUTE, NOW + 60 * MINUTE, NOW)).toBe(true);
});

describe('the sweeper', () => {
  const GRACE = 5;

  it('ends a session that is over and unreported, re-arms one that was used, and leaves all others alone', () => {
    fc.assert(
      fc.property(arbitraryHead, (head) => {
        const verdict = verdictOf(head, NOW, GRACE);
        const isSwept = head.checkAt !== undefined;
        const mayEnd = isSwept && !head.ended && head.expiresAt <= NOW;
        const mayReport = isSwept && head.ended !== undefined && head.ended.at + GRACE <= NOW;
        const mayRearm = isSwept && !head.ended && head.expiresAt > NOW && (head.checkAt ?? 0) <= NOW;
        const expected = mayEnd ? 'end' : mayReport ? 'report' : mayRearm ? 'rearm' : 'nothing';
        expect(verdict.do).toBe(expected);
        if (verdict.do === 'end') expect(isOver(head, NOW)).toBe(true);
        if (verdict.do === 'rearm') expect(verdict.checkAt).toBe(head.expiresAt);
      }),
      { numRuns: 500 },
    );
  });

  it('comes to an end with every session: once over and looked at again, nothing is left but to end it', () => {
    fc.assert(
      fc.property(arbitraryHead, (head) => {
        if (head.ended || head.checkAt === undefined) return;
        const verdict = verdictOf(head, NOW, GRACE);
        const checkAt = verdict.do === 'rearm' ? verdict.checkAt : head.checkAt;
        expect(verdictOf({ ...head, checkAt }, Math.max(checkAt, head.expiresAt), GRACE).do).toBe('end');
      }),
    );
  });

  it('says absolute where age ended the session, else idle', () => {
    fc.assert(
      fc.property(arbitraryHead, (head) => {
        expect(expiredBecause(head)).toBe(head.expiresAt === head.absoluteExpiresAt ? 'absolute' : 'idle');
      }),
    );
  });
});

it('an end is told once under one id, and a rotation is none', () => {
  const head = { handle: 'h', userId: 'ada' } as SessionHead;
  for (const reason of endReasons) {
    const event = endedEvent(head, reason, 7);
    if (reason === 'rotated') expect(event).toBeUndefined();
    else expect(event).toEqual({ id: 'h.ended', handle: 'h', userId: 'ada', reason, at: 7 });
  }
  expect(endedEvent({ handle: 'h' } as SessionHead, 'idle', 7)).toEqual({
    id: 'h.ended',
    handle: 'h',
    reason: 'idle',
    at: 7,
  });
});

it('a change of data replaces and adds names, null deletes one, and nothing else changes', () => {
  const data = { theme: 'dark', visits: 3, cart: { lines: 1 } };
  expect(mergedData(data, { visits: 4, theme: null, language: 'pt', unknown: null })).toEqual({
    visits: 4,
    cart: { lines: 1 },
    language: 'pt',
  });
  expect(data).toEqual({ theme: 'dark', visits: 3, cart: { lines: 1 } });
});
