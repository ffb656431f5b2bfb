import * as fc from 'fast-check';
import { mustValueOf, sharedCall, valueOf } from '../../src/timing/sharedCall';
import { FakeClock } from '../support/clock';

it('calls once for all who ask within its time, and whoever asks gets what is no older than that', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 50 }), { maxLength: 40 }), async (steps) => {
      const clock = new FakeClock();
      const calledAt: number[] = [];
      const look = sharedCall(async () => void calledAt.push(clock.now()), { forMs: 100, clock });
      for (const ms of steps) {
        clock.time += ms;
        await Promise.all([look(), look()]);
        expect(clock.now() - calledAt.at(-1)!).toBeLessThan(100);
      }
      for (const [i, at] of calledAt.slice(1).entries()) expect(at - calledAt[i]!).toBeGreaterThanOrEqual(100);
    }),
  );
});

it('a call that takes longer than its time is still the only one', async () => {
  const clock = new FakeClock();
  const answers: ((value: number) => void)[] = [];
  const look = sharedCall(() => new Promise<number>((resolve) => answers.push(resolve)), { forMs: 100, clock });
  const first = look();
  clock.time = 1_000;
  const second = look();
  expect(answers.length).toBe(1);
  answers[0]!(7);
  expect(await first).toEqual({ at: 0, value: 7 });
  expect(await second).toEqual({ at: 0, value: 7 });
});

it('nobody waits longer than they want: they get the outcome before', async () => {
  const clock = new FakeClock();
  let calls = 0;
  const look = sharedCall(() => (++calls === 1 ? Promise.resolve(1) : new Promise<number>(() => undefined)), {
    forMs: 100,
    waitMs: 5,
    clock,
  });
  expect(valueOf(await look())).toBe(1);
  clock.time = 100;
  expect(await look()).toEqual({ at: 0, value: 1 });
  expect(calls).toBe(2);
});

it('a failure is shared like a value, or leaves the last value in place', async () => {
  const clock = new FakeClock();
  const away = new Error('away');
  const flaky = (keepsValue: boolean) => {
    let calls = 0;
    return sharedCall(async () => (++calls % 2 === 1 ? calls : Promise.reject(away)), {
      forMs: 100,
      keepsValue,
      clock,
    });
  };
  const [shares, keeps] = [flaky(false), flaky(true)];
  expect([await shares(), await keeps()]).toEqual([
    { at: 0, value: 1 },
    { at: 0, value: 1 },
  ]);
  clock.time = 100;
  expect([await shares(), await keeps()]).toEqual([
    { at: 100, failure: away },
    { at: 0, value: 1 },
  ]);
  expect([valueOf(await shares()), mustValueOf(await keeps())]).toEqual([undefined, 1]);
  expect(() => mustValueOf({ at: 100, failure: away })).toThrow(away);
});

it('a call past its bound has failed, and the next one may succeed', async () => {
  const clock = new FakeClock();
  let calls = 0;
  const look = sharedCall(() => (++calls === 1 ? new Promise<number>(() => undefined) : Promise.resolve(calls)), {
    forMs: 100,
    boundMs: 5,
    clock,
  });
  expect(await look()).toMatchObject({ at: 0, failure: { name: 'DeadlineError', afterMs: 5 } });
  clock.time = 100;
  expect(await look()).toEqual({ at: 100, value: 2 });
});
