import { monotonicClock, systemClock } from '../../src/timing/clock';

it('the system’s clock says the time of the epoch, the monotonic one that of the process', () => {
  const before = Date.now();
  expect(systemClock.now()).toBeGreaterThanOrEqual(before);
  expect(systemClock.now()).toBeLessThanOrEqual(Date.now());
  expect(monotonicClock.now()).toBeLessThanOrEqual(performance.now());
});

it.each([
  ['system', systemClock],
  ['monotonic', monotonicClock],
])('a sleep on the %s clock lasts, and ends with the reason of its signal', async (_, clock) => {
  const before = performance.now();
  await clock.sleep(20);
  expect(performance.now() - before).toBeGreaterThanOrEqual(19);
  const stop = new AbortController();
  const asleep = clock.sleep(3_600_000, stop.signal);
  const reason = new Error('shutting down');
  stop.abort(reason);
  await expect(asleep).rejects.toBe(reason);
  await expect(clock.sleep(0, stop.signal)).rejects.toBe(reason);
});
