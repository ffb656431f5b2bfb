import { DelayedRun } from '../../src/timing/delayedRun';
import { FakeClock } from '../support/clock';
import { eventually } from '../support/eventually';

it('runs once for all requests before it, and again for one after it', async () => {
  let runs = 0;
  const clock = new FakeClock();
  const delayed = new DelayedRun(() => runs++, clock);
  delayed.request(500);
  delayed.request(1);
  await eventually(
    () => runs,
    (count) => count > 0,
  );
  expect([runs, clock.slept]).toEqual([1, [500]]);
  delayed.request(20);
  await eventually(
    () => runs,
    (count) => count > 1,
  );
  expect([runs, clock.slept]).toEqual([2, [500, 20]]);
});

it('cancelled, it does not run, and can be requested again', async () => {
  let runs = 0;
  const delayed = new DelayedRun(() => runs++, new FakeClock());
  delayed.request(1);
  delayed.cancel();
  delayed.cancel();
  delayed.request(1);
  await eventually(
    () => runs,
    (count) => count > 0,
  );
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(runs).toBe(1);
});

it('cancelled as its sleep ends, it does not run either, and leaves a later request alone', async () => {
  let runs = 0;
  const ends: (() => void)[] = [];
  const clock = { now: () => 0, sleep: () => new Promise<void>((resolve) => ends.push(resolve)) };
  const delayed = new DelayedRun(() => runs++, clock);
  delayed.request(1);
  ends[0]!();
  delayed.cancel();
  delayed.request(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(runs).toBe(0);
  ends[1]!();
  await new Promise((resolve) => setImmediate(resolve));
  expect(runs).toBe(1);
});
