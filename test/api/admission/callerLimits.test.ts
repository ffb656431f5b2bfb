import fc from 'fast-check';
import { CallerLimits } from '../../../src/api/admission/callerLimits';
import { readConfig } from '../../../src/graph/config';
import type { Caller } from '../../../src/domain/platform/caller';
import { clockOf, FakeClock } from '../../support/clock';

const caller = (name: string): Caller => ({ name, role: 'customer', via: 'jwt' });
const taken = (limits: CallerLimits, name = 'ada'): boolean => {
  try {
    limits.take(caller(name));
    return true;
  } catch {
    return false;
  }
};

it(
  'is a token bucket, whenever requests come: in no stretch more than the burst and what was refilled, and never ' +
    'fewer',
  () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 200 }),
        (perSecond, burst, pauses) => {
          let now = 0;
          const limits = new CallerLimits(
            { customer: { perSecond, burst } },
            clockOf(() => now),
          );
          // The plain bucket beside it; exact in thousandths of a token.
          let [tokens, at] = [burst * 1_000, 0];
          for (const pause of pauses) {
            now += pause;
            tokens = Math.min(burst * 1_000, tokens + (now - at) * perSecond);
            at = now;
            const may = tokens >= 1_000;
            expect(taken(limits)).toBe(may);
            if (may) tokens -= 1_000;
          }
        },
      ),
    );
  },
);

it('who keeps to Retry-After is served', () => {
  let now = 0;
  const limits = new CallerLimits(
    { customer: { perSecond: 0.3, burst: 2 } },
    clockOf(() => now),
  );
  while (taken(limits));
  for (let i = 0; i < 20; i++) {
    const error = (() => {
      try {
        limits.take(caller('ada'));
      } catch (thrown) {
        return thrown as { extra: { headers: Record<string, string> } };
      }
      return undefined;
    })();
    if (error) now += Number(error.extra.headers['retry-after']) * 1_000;
    expect(taken(limits)).toBe(true);
  }
});

it('remembers no more callers than it may, and each has a bucket of its own', () => {
  const limits = new CallerLimits({ customer: { perSecond: 1, burst: 1 } }, new FakeClock(), 1_000);
  for (let i = 0; i < 5_000; i++) expect(taken(limits, `user-${i}`)).toBe(true);
  expect((limits as unknown as { fullAt: Map<string, number> }).fullAt.size).toBe(1_000);
  expect(taken(limits, 'user-4999')).toBe(false);
  // Forgotten, and so served again: the oldest.
  expect(taken(limits, 'user-0')).toBe(true);
});

it('a role without a limit has none; settings that are none are told', () => {
  const limits = new CallerLimits(readConfig({ LONGWATCH_CALLER_LIMITS: 'service=1/1' }).LONGWATCH_CALLER_LIMITS);
  for (let i = 0; i < 100; i++) expect(limits.take(caller('ada'))).toEqual({});
  expect(readConfig({ LONGWATCH_CALLER_LIMITS: 'none' }).LONGWATCH_CALLER_LIMITS).toEqual({});
  for (const wrong of ['customer', 'boss=1/2', 'customer=0/2', 'customer=1/0', 'customer=1/2,customer=3/4'])
    expect(() => readConfig({ LONGWATCH_CALLER_LIMITS: wrong })).toThrow(
      'LONGWATCH_CALLER_LIMITS: must be role=requests a second/at once',
    );
});
