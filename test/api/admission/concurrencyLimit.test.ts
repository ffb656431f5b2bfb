import { ConcurrencyLimit } from '../../../src/api/admission/concurrencyLimit';
import { FakeClock } from '../../support/clock';

/**
 * A process with always so many requests ready, on a server of `cores` that each do one at a time, behind a wait of its
 * own. Virtual time.
 */
function start({ initial = 4, max = 256 } = {}) {
  const clock = new FakeClock();
  const limit = new ConcurrencyLimit({ min: 2, initial, max, clock });
  const run = ({
    offered,
    cores,
    cpuMs,
    waitMs = 0,
    requests,
    route = 'a',
    completed = true,
  }: {
    offered: number;
    cores: number;
    cpuMs: number;
    waitMs?: number;
    requests: number;
    route?: string;
    completed?: boolean;
  }) => {
    for (let i = 0; i < requests; i++) {
      const active = Math.max(1, Math.min(offered, limit.value));
      // Little's law: the rate is what the processors can do, or what so many active requests can ask for.
      const ms = Math.max((cpuMs * active) / cores, cpuMs + waitMs) * (0.8 + ((i * 7) % 5) / 10);
      clock.time += ms / active;
      limit.sample({ route, ms, active, completed }, offered > active);
    }
  };
  return { clock, limit, run };
}

it('a cold process begins with one request at a time', () => {
  expect(start().limit.value).toBe(1);
});

it.each([
  [1, 10, 0],
  [4, 10, 0],
  [20, 10, 0],
  [1, 10, 90],
  [4, 10, 200],
])(
  'under any overload as many are active as the server can use, and a few more: %i processors, %i ms on them and ' +
    '%i ms elsewhere',
  (cores, cpuMs, waitMs) => {
    const { limit, run } = start();
    run({ offered: 10_000, cores, cpuMs, waitMs, requests: 20_000 });
    const usable = (cores * (cpuMs + waitMs)) / cpuMs;
    expect(limit.value).toBeGreaterThanOrEqual(Math.floor(usable));
    expect(limit.value).toBeLessThanOrEqual(Math.ceil(usable * 1.5) + 4);
    expect(limit.rate! / ((cores * 1_000) / cpuMs)).toBeGreaterThan(0.9);
  },
);

it('a limit that is not reached is left as it is', () => {
  const { limit, run } = start();
  run({ offered: 3, cores: 100, cpuMs: 10, requests: 10_000 });
  expect(limit.value).toBe(4);
});

it('an overload from the first request on does not pass for the unloaded state', () => {
  const { limit, run } = start({ initial: 64 });
  run({ offered: 10_000, cores: 4, cpuMs: 10, requests: 20_000 });
  expect(limit.value).toBeLessThan(12);
});

it('routes of very different cost do not disturb each other', () => {
  const { limit, run } = start();
  for (let i = 0; i < 500; i++)
    run({ offered: 60, cores: 100, cpuMs: i % 2 ? 2 : 200, requests: 20, route: i % 2 ? 'fast' : 'slow' });
  expect(limit.value).toBeGreaterThanOrEqual(50);
});

it('requests that all run out of time do not raise the limit', () => {
  const { limit, run } = start();
  run({ offered: 1, cores: 1, cpuMs: 20, requests: 100 });
  run({ offered: 10_000, cores: 1, cpuMs: 80, requests: 2_000, completed: false });
  expect(limit.value).toBeLessThanOrEqual(5);
});

it('while nothing at all is completed more may be active, up to a bound', () => {
  const { clock, limit } = start();
  for (let i = 0; i < 1_000; i++) {
    clock.time += 50;
    limit.whileWaiting();
  }
  expect(limit.value).toBe(64);
});
