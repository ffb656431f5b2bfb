import { Random } from '../../src/domain/fraud/random';
import { ConcurrencyLimit } from '../../src/api/concurrencyLimit';
import { percentile } from '../../bench/support/measure';

/**
 * A process with so many requests always ready to come, on a server of `cores` that each do one request at a time:
 * the time that a request takes grows with those under way beyond the cores. Virtual time.
 */
function simulate(limit: ConcurrencyLimit, clock: { now: number }, { offered, cores, serviceMs, requests, route = 'a' }: { offered: number; cores: number; serviceMs: number; requests: number; route?: string }): number[] {
  const taken: number[] = [];
  for (let i = 0; i < requests; i++) {
    const underWay = Math.max(1, Math.min(offered, limit.value));
    const ms = serviceMs * Math.max(1, underWay / cores) * (0.8 + ((i * 7) % 5) / 10);
    clock.now += ms / underWay;
    limit.sample(route, ms, underWay);
    taken.push(ms);
  }
  return taken;
}
const start = (initial = 8, max = 256) => {
  const clock = { now: 0 };
  return { clock, limit: new ConcurrencyLimit({ min: 2, initial, max, now: () => clock.now }) };
};

it.each([1, 4, 20, 100])('under any overload it settles where requests are about as fast as alone: %i at once', (cores) => {
  const { clock, limit } = start();
  simulate(limit, clock, { offered: 1, cores, serviceMs: 10, requests: 200 });
  simulate(limit, clock, { offered: 10_000, cores, serviceMs: 10, requests: 20_000 });
  const late = simulate(limit, clock, { offered: 10_000, cores, serviceMs: 10, requests: 1_000 });
  // All that the server can do at once is done, and no more; a single core shows the granularity: two, three or four.
  expect(limit.value).toBeGreaterThanOrEqual(Math.min(256, cores));
  expect(percentile(late, 50)).toBeLessThan(31);
  expect(Math.max(...late)).toBeLessThan(40);
});

it('a server that becomes slower lets in fewer at first, then takes that for the normal, and forgets it once it is as fast as before', () => {
  const { clock, limit } = start();
  const served = (serviceMs: number, times: number) => Array.from({ length: times }, () => (simulate(limit, clock, { offered: 1_000, cores: 20, serviceMs, requests: 20 }), limit.value));
  simulate(limit, clock, { offered: 1, cores: 20, serviceMs: 10, requests: 200 });
  const before = served(10, 500).at(-1)!;
  expect(Math.min(...served(100, 30))).toBeLessThan(before / 3);
  expect(served(100, 500).at(-1)).toBeGreaterThanOrEqual(20);
  const after = served(10, 500);
  expect(Math.abs(after.at(-1)! - before)).toBeLessThan(before / 3);
});

it('an overload from the first request on does not pass for the normal', () => {
  const { clock, limit } = start(64);
  simulate(limit, clock, { offered: 10_000, cores: 4, serviceMs: 10, requests: 5_000 });
  simulate(limit, clock, { offered: 1, cores: 4, serviceMs: 10, requests: 500 });
  simulate(limit, clock, { offered: 10_000, cores: 4, serviceMs: 10, requests: 10_000 });
  expect(limit.value).toBeLessThan(13);
});

it('a long overload by requests of very different cost does not close the door bit by bit', () => {
  const { clock, limit } = start();
  // Log-normal: one in six is below 0.55 of the median, one in six above 1.8 of it.
  const noise = new Random(7);
  const normal = () => Math.sqrt(-2 * Math.log(1 - noise.next())) * Math.cos(2 * Math.PI * noise.next());
  const run = (offered: number, requests: number) => {
    const limits: number[] = [];
    for (let i = 0; i < requests; i++) {
      const underWay = Math.max(1, Math.min(offered, limit.value));
      const ms = 10 * Math.max(1, underWay / 4) * Math.exp(0.6 * normal());
      clock.now += ms / underWay;
      limit.sample('a', ms, underWay);
      limits.push(limit.value);
    }
    return limits;
  };
  run(1, 500);
  const first = percentile(run(1_000, 2_000), 50);
  run(1_000, 100_000);
  const last = percentile(run(1_000, 2_000), 50);
  expect(first).toBeGreaterThanOrEqual(4);
  expect(last).toBeGreaterThanOrEqual(first - 1);
});

it('a slow route among fast ones is no sign of overload', () => {
  const { clock, limit } = start();
  for (const [route, serviceMs] of [['fast', 2], ['slow', 200]] as const) simulate(limit, clock, { offered: 1, cores: 100, serviceMs, requests: 100, route });
  for (let i = 0; i < 500; i++) simulate(limit, clock, { offered: 60, cores: 100, serviceMs: i % 2 ? 2 : 200, requests: 20, route: i % 2 ? 'fast' : 'slow' });
  expect(limit.value).toBeGreaterThanOrEqual(50);
});

it('a limit that is not reached is left as it is', () => {
  const { clock, limit } = start();
  simulate(limit, clock, { offered: 3, cores: 100, serviceMs: 10, requests: 10_000 });
  expect(limit.value).toBe(8);
});
