import { LoadShedder } from '../../../src/api/admission/loadShedder';
import type { Waiting } from '../../../src/api/admission/fairQueue';
import { percentile } from '../../../bench/support/measure';
import { around, type Answered, Simulation, type Work } from '../../support/admissionSimulation';
import { clockOf } from '../../support/clock';

const payment = (cpu: number, spread: number, wait: number): Work => ({
  route: 'pay',
  loadClass: 'money',
  cpuMs: around(cpu, spread),
  waitMs: wait > 0 ? around(wait, 0.3) : () => 0,
});
const score: Work = { route: 'score', loadClass: 'bulk', cpuMs: around(5, 0.5), waitMs: around(5, 0.3) };
const page: Work = { route: 'page', loadClass: 'interactive', cpuMs: around(5, 0.5), waitMs: around(5, 0.3) };
/** Code that is not compiled yet: the first requests compute seven times as long. */
const cold = (served: number): number => 1 + 6 * Math.exp(-served / 20);

const within = (answers: readonly Answered[], from: number, to: number): Answered[] =>
  answers.filter(({ at }) => at >= from && at < to);
const served = (answers: readonly Answered[]): Answered[] => answers.filter(({ status }) => status === 'served');
const refused = (answers: readonly Answered[]): Answered[] => answers.filter(({ status }) => status === 'refused');
const ms = (answers: readonly Answered[]): number[] => answers.map(({ arrivedAt, at }) => at - arrivedAt);

/** Processor time, its spread, time in a dependency, processors. */
const servers: [string, number, number, number, number][] = [
  ['computes mostly', 14, 0.5, 5, 1],
  ['computes only, always as long', 14, 0, 0, 1],
  ['computes for very different times', 14, 1, 10, 1],
  ['waits mostly', 5, 0.5, 100, 1],
  ['is fast', 1, 0.5, 3, 1],
  ['has four processors', 10, 0.5, 10, 4],
];

describe.each(servers)('a server that %s', (_what, cpu, spread, wait, cores) => {
  const capacity = (cores * 1_000) / cpu;

  it(
    'refuses none of 1, 4, 16 or 64 clients that each have one request in flight, from a cold start on, with and ' +
      'without neighbours on its processors',
    () => {
      for (const left of [1, 0.4]) {
        const rates = [1, 4, 16, 64].map((clients) => {
          const simulation = new Simulation({ cores: cores * left });
          simulation.coldness = cold;
          simulation.closedLoop(payment(cpu, spread, wait), clients, 75_000);
          simulation.run(75_000);
          expect(refused(simulation.answers)).toEqual([]);
          return served(within(simulation.answers, 15_000, 75_000)).length / 60;
        });
        expect(rates[3]! / Math.max(...rates)).toBeGreaterThanOrEqual(0.95);
      }
    },
  );

  it(
    'serves 0.95 of its capacity at ten times the load, nobody much slower than at 70 %, and refuses the others at ' +
      'once',
    () => {
      const simulation = new Simulation({ cores });
      simulation.openLoop(payment(cpu, spread, wait), capacity * 0.7, 40_000);
      simulation.run(40_000);
      const usual = percentile(ms(served(within(simulation.answers, 10_000, 40_000))), 99);
      simulation.openLoop(payment(cpu, spread, wait), capacity * 10, 80_000);
      simulation.run(80_000);
      const under = within(simulation.answers, 40_000, 80_000);
      expect(served(under).length / 40 / capacity).toBeGreaterThanOrEqual(wait > cpu * 10 ? 0.9 : 0.95);
      expect(percentile(ms(served(under)), 99)).toBeLessThan(Math.min(1_000, 3 * usual));
      expect(percentile(ms(refused(under)), 99)).toBeLessThan(30);
      // So short an overload shows the requests that waited when it began and were then refused.
      expect(percentile(ms(refused(within(simulation.answers, 40_000, 52_000))), 99)).toBeLessThan(30);
      // Clients come back over about as long as it takes to serve as many.
      const spreadOver = new Set(refused(under).map(({ retryAfter }) => retryAfter));
      expect(Math.min(...spreadOver)).toBe(1);
      expect(spreadOver.size).toBeGreaterThanOrEqual(8);
      // Afterwards, at half of its capacity, it refuses nobody.
      simulation.openLoop(payment(cpu, spread, wait), capacity * 0.5, 110_000);
      simulation.run(110_000);
      expect(refused(within(simulation.answers, 83_000, 110_000))).toEqual([]);
    },
  );
});

it('half an hour of overload leaves it as it was: what it serves, and how fast', () => {
  const simulation = new Simulation();
  const minute = 60_000;
  simulation.openLoop(payment(14, 0.6, 5), (1_000 / 14) * 3, 30 * minute);
  simulation.run(30 * minute);
  const [early, late] = [
    within(simulation.answers, minute, 5 * minute),
    within(simulation.answers, 26 * minute, 30 * minute),
  ].map(served);
  expect(late!.length / early!.length).toBeGreaterThan(0.97);
  expect(percentile(ms(late!), 99) / percentile(ms(early!), 99)).toBeLessThan(1.2);
});

it(
  'a dependency that becomes ten times slower, and fast again, changes how many may be active and not what is ' +
    'served',
  () => {
    const simulation = new Simulation();
    let wait = 10;
    const work: Work = { ...payment(5, 0.5, 0), waitMs: (random) => around(wait, 0.3)(random) };
    const rates: number[] = [];
    const limits: number[] = [];
    for (const [after, slow] of [
      [30_000, 10],
      [90_000, 200],
      [150_000, 10],
    ] as const) {
      wait = slow;
      simulation.openLoop(work, 400, after);
      simulation.run(after);
      rates.push(served(within(simulation.answers, after - 10_000, after)).length / 10);
      limits.push(simulation.shedder.state.limit);
    }
    for (const rate of rates) expect(rate).toBeGreaterThan(180);
    expect(limits[1]!).toBeGreaterThan(2 * limits[0]!);
    expect(limits[2]!).toBeLessThan(limits[1]! / 2);
  },
);

describe('fairness under saturation', () => {
  it('a flood of one class leaves the others what they ask for', () => {
    const simulation = new Simulation();
    simulation.openLoop(payment(10, 0.5, 5), 30, 30_000);
    simulation.openLoop(page, 20, 30_000);
    simulation.openLoop(score, 2_000, 30_000);
    simulation.run(30_000);
    const late = within(simulation.answers, 5_000, 30_000);
    const share = (loadClass: string) => {
      const of = late.filter((one) => one.loadClass === loadClass);
      return served(of).length / of.length;
    };
    expect(share('money')).toBe(1);
    expect(share('interactive')).toBeGreaterThan(0.99);
    expect(served(late.filter(({ loadClass }) => loadClass === 'bulk')).length).toBeGreaterThan(500);
    expect(percentile(ms(served(late.filter(({ loadClass }) => loadClass === 'money'))), 99)).toBeLessThan(400);
  });

  it('classes that are all flooded are served by their weights, and none starves', () => {
    const simulation = new Simulation();
    simulation.openLoop({ ...page, loadClass: 'money', route: 'pay' }, 1_000, 30_000);
    simulation.openLoop(page, 1_000, 30_000);
    simulation.openLoop(score, 1_000, 30_000);
    simulation.run(30_000);
    const late = served(within(simulation.answers, 5_000, 30_000));
    const of = (loadClass: string) => late.filter((one) => one.loadClass === loadClass).length / late.length;
    expect(of('money')).toBeGreaterThan(0.5);
    expect(of('interactive')).toBeGreaterThan(0.2);
    expect(of('bulk')).toBeGreaterThan(0.05);
  });

  it.each([
    { callers: ['b', 'c', 'd'], perSecond: 12, arrivalMs: 0 },
    { callers: ['b', 'c', 'd'], perSecond: 12, arrivalMs: 10 },
    { callers: ['b'], perSecond: 40, arrivalMs: 0 },
    { callers: ['b'], perSecond: 40, arrivalMs: 10 },
  ])(
    'one caller’s flood leaves the other callers theirs: $callers, $perSecond a second each, bodies complete ' +
      '$arrivalMs ms after their first lines',
    ({ callers, perSecond, arrivalMs }) => {
      const simulation = new Simulation();
      simulation.arrivalMs = arrivalMs;
      simulation.openLoop(payment(10, 0.5, 5), 2_000, 30_000, 'flood');
      for (const caller of callers) simulation.openLoop(payment(10, 0.5, 5), perSecond, 30_000, caller);
      simulation.run(30_000);
      const late = within(simulation.answers, 5_000, 30_000);
      for (const caller of callers) {
        const of = late.filter((one) => one.caller === caller);
        expect(served(of).length / of.length).toBeGreaterThan(0.97);
      }
      expect(served(late).length / 25).toBeGreaterThan(95);
    },
  );

  it('a caller that was alone before a flood is not taken for it', () => {
    const simulation = new Simulation();
    simulation.arrivalMs = 3;
    simulation.openLoop(payment(10, 0.5, 5), 35, 30_000, 'steady');
    simulation.after(20_000, () => simulation.openLoop(payment(10, 0.5, 5), 1_000, 30_000, 'flood'));
    simulation.run(30_000);
    const steady = within(simulation.answers, 20_000, 30_000).filter(({ caller }) => caller === 'steady');
    expect(served(steady).length / steady.length).toBeGreaterThan(0.99);
  });

  it('as one caller’s flood begins, what other callers have waiting keeps its place', () => {
    const refusedOnes: Waiting[] = [];
    let now = 0;
    const shedder = new LoadShedder<Waiting>(
      { max: 4, budgets: { money: 1_000, interactive: 1_000, bulk: 1_000 }, clock: clockOf(() => now) },
      { begin: () => undefined, refuse: (one) => void refusedOnes.push(one) },
    );
    const send = (caller: string) => {
      now += 0.1;
      const request: Waiting = { loadClass: 'money', caller, arrivedAt: now };
      if (!shedder.arrive(request)) return 'refused';
      shedder.arrived(request);
      return shedder.join(request);
    };
    expect(send('first')).toBe('begins');
    expect([send('b'), send('c')]).toEqual(['waits', 'waits']);
    while (send('flood') !== 'refused');
    expect(refusedOnes.length).toBeGreaterThan(50);
    expect(new Set(refusedOnes.map(({ caller }) => caller))).toEqual(new Set(['flood']));
  });

  it('a class whose dependency hangs keeps the others from nothing', () => {
    const simulation = new Simulation();
    simulation.openLoop({ ...score, waitMs: () => 60_000 }, 50, 20_000);
    simulation.openLoop(payment(10, 0.5, 5), 40, 20_000);
    simulation.run(20_000);
    const money = within(simulation.answers, 0, 20_000).filter(({ loadClass }) => loadClass === 'money');
    expect(refused(money)).toEqual([]);
    expect(served(money).length).toBeGreaterThan(750);
  });
});

it('while nothing is completed, a request waits for its budget and no longer', () => {
  const simulation = new Simulation({ budgetMs: 500, max: 4 });
  simulation.openLoop({ ...payment(1, 0, 0), waitMs: () => 60_000 }, 20, 2_000);
  simulation.run(10_000);
  expect(served(simulation.answers)).toEqual([]);
  expect(refused(simulation.answers).length).toBeGreaterThan(20);
  for (const waited of ms(refused(simulation.answers))) expect(waited).toBeLessThan(600);
});
