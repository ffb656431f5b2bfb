import { ReconciliationLoop } from '../../../../src/operations/platform/reconciliation/reconciliationLoop';
import { FakeClock } from '../../../support/clock';

it('reconciles every everyMs until its time is over, goes on after a failure, and heartbeats in pauses', async () => {
  const clock = new FakeClock();
  const at: number[] = [];
  const beats: number[] = [];
  const faults: unknown[] = [];
  const loop = new ReconciliationLoop({
    reconciler: {
      reconcile: async () => {
        at.push(clock.time);
        if (at.length === 2) throw new Error('Temporal is down');
        return { restarted: { cart: 1 } } as never;
      },
    },
    everyMs: 30_000,
    onReconciled: () => undefined,
    onFault: (error) => faults.push(error),
    clock,
  });
  const report = await loop.keep({
    signal: new AbortController().signal,
    forMs: 100_000,
    heartbeat: () => beats.push(clock.time),
  });
  expect(at).toEqual([0, 30_000, 60_000, 90_000]);
  expect(report).toEqual({ looks: 3, restarted: { cart: 3 } });
  expect(faults).toEqual([new Error('Temporal is down')]);
  expect(Math.max(...beats.slice(1).map((beat, i) => beat - beats[i]!))).toBeLessThanOrEqual(8_000);
});
