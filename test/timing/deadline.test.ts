import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DeadlineError, withDeadline, within } from '../../src/timing/deadline';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const untilStopped = async (stop: AbortSignal) => {
  for (let i = 0; i < 200 && !stop.aborted; i++) {
    collectGarbage();
    await sleep(10);
  }
  return stop.aborted;
};

it('stops after its time, whatever the garbage collector takes meanwhile', async () => {
  expect(await within(new AbortController().signal, 50, untilStopped)).toBe(true);
});

it('stops at the signal, also at one that came before', async () => {
  const stopped = new AbortController();
  setTimeout(() => stopped.abort(), 50);
  expect(await within(stopped.signal, 60_000, untilStopped)).toBe(true);
  expect(await within(stopped.signal, 60_000, async (stop) => stop.aborted)).toBe(true);
});

it('waits for work no longer than so many milliseconds', async () => {
  const never = new Promise<string>(() => undefined);
  await expect(withDeadline(never, 5)).rejects.toThrow(new DeadlineError(5));
  expect(await withDeadline(never, 5, () => 'late')).toBe('late');
});

it('gives what work gives in time, its failure too, and keeps no timer', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  expect(await withDeadline(Promise.resolve('done'), 60_000)).toBe('done');
  await expect(withDeadline(Promise.reject(new RangeError('broken')), 60_000)).rejects.toThrow(RangeError);
  expect(timers()).toBe(before);
});
