import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { within } from '../../../src/operations/platform/within';

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
