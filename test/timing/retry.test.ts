import * as fc from 'fast-check';
import { again, againAfter, againAtOnce, retry } from '../../src/timing/retry';
import { FakeClock } from '../support/clock';

const backoff = { firstMs: 10, lastMs: 80 };
const exhausted = (cause: unknown) => new Error('gave up', { cause });

it('returns the first result that is one, also undefined and null', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 8 }), fc.constantFrom(undefined, null, false, 0, 'x'), async (losses, result) => {
      const clock = new FakeClock();
      const numbers: number[] = [];
      const got = await retry({ attempts: 9, backoff, exhausted, clock }, async (number) => {
        numbers.push(number);
        return number <= losses ? again : result;
      });
      expect(got).toBe(result);
      expect(numbers).toEqual(Array.from({ length: losses + 1 }, (_, i) => i + 1));
      expect(clock.slept.length).toBe(losses);
      clock.slept.forEach((ms, i) => expect(ms).toBeLessThanOrEqual(Math.min(10 * 2 ** i, 80)));
    }),
  );
});

it('after so many attempts throws what the caller makes of the last cause', async () => {
  const clock = new FakeClock();
  let attempts = 0;
  const gone = retry({ attempts: 3, backoff, exhausted, clock }, async () => againAfter(`cause ${++attempts}`));
  await expect(gone).rejects.toMatchObject({ message: 'gave up', cause: 'cause 3' });
  expect(clock.slept.length).toBe(2); // Nobody waits for an attempt that never comes.
});

it('begins no attempt later than its time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 50 }), async (withinMs, eachMs) => {
      const clock = new FakeClock(1_000);
      const begun: number[] = [];
      const trying = retry({ withinMs, backoff, exhausted, clock }, async () => {
        begun.push(clock.now());
        clock.time += eachMs;
        return again;
      });
      await expect(trying).rejects.toThrow('gave up');
      for (const at of begun) expect(at).toBeLessThan(1_000 + withinMs);
    }),
  );
});

it('goes on at once where an attempt was in nobody’s way, within the same bound', async () => {
  const clock = new FakeClock();
  const trying = retry({ attempts: 5, backoff, exhausted, clock }, async () => againAtOnce);
  await expect(trying).rejects.toThrow('gave up');
  expect(clock.slept).toEqual([]);
});

it('what an attempt throws is final', async () => {
  let attempts = 0;
  const trying = retry({ attempts: 5, backoff, exhausted }, async () => {
    attempts++;
    throw new RangeError('a defect');
  });
  await expect(trying).rejects.toThrow(RangeError);
  expect(attempts).toBe(1);
});

it('the signal ends a pause at once, and its reason is the cause', async () => {
  const stop = new AbortController();
  const reason = new Error('shutting down');
  const trying = retry(
    { attempts: 2, backoff: { firstMs: 3_600_000, lastMs: 3_600_000 }, exhausted, signal: stop.signal },
    async () => {
      setImmediate(() => stop.abort(reason));
      return again;
    },
  );
  await expect(trying).rejects.toMatchObject({ message: 'gave up', cause: reason });
  const never = retry({ attempts: 2, exhausted, signal: stop.signal }, async () => 'never begun');
  await expect(never).rejects.toMatchObject({ message: 'gave up', cause: reason });
});
