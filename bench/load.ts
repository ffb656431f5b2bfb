import { get } from 'node:http';
import Table from 'cli-table3';
import { bar as startBar } from './support/bar';
import { type LoadedStack, underLoad } from './support/generator';
import type { PhaseResult } from './support/loadGenerator';
import { fairness } from './loadFairness';
import { longRun } from './loadLong';
import { median, ms, percentile, ratio } from './support/measure';

export interface LoadBenchSettings {
  rounds: number;
  seconds: number;
  factor: number;
  minutes: number;
  only?: 'closed' | 'open' | 'fairness' | undefined;
}

/** Requests in flight in the closed loops. */
const CLIENTS = [1, 4, 16, 64];
/** Requests in flight while the capacity is measured. */
const IN_FLIGHT = 16;
/**
 * Length of the overload, as a multiple of a round's other phases. Each overload begins with a bounded number of late
 * refusals (the queue is cut once), so a short overload would measure mostly its own beginning.
 */
const LONGER = 3;
/** Share of the capacity that a well-run process uses in its busiest hours. */
const USUAL = 0.7;
/** Share of the capacity after the overload. A recovered process serves it without refusing any request. */
const AFTERWARDS = 0.5;
/**
 * Long deadlines of the model and the decision in the open loop, so that every admitted request does its whole work.
 */
const PATIENT = { LONGWATCH_MODEL_DEADLINE_MS: '10000', LONGWATCH_DECISION_DEADLINE_MS: '20000' };
/** The defaults of production. */
const DEFAULT_DEADLINES = { LONGWATCH_MODEL_DEADLINE_MS: '80', LONGWATCH_DECISION_DEADLINE_MS: '250' };
const style = { head: [], border: [] };

/**
 * Measures the API under load: closed loops from a cold start, an open loop at ten times the capacity, floods of one
 * caller, and minutes of overload.
 */
export async function benchLoad(settings: LoadBenchSettings): Promise<void> {
  const { only } = settings;
  console.log(
    'The generator is a process of its own, but shares the processors with the product, DynamoDB, the model and ' +
      'Temporal.\n',
  );
  if (!only || only === 'closed') for (const neighbours of [0, 2]) await closedLoops(neighbours, settings);
  if (!only || only === 'open') await underLoad(PATIENT, 0, (loaded) => openLoop(loaded, settings));
  if (!only || only === 'fairness') await underLoad(PATIENT, 0, (loaded) => fairness(loaded, settings));
}

/**
 * Measures clients that send their next request as soon as they have an answer. The first row is a process that has not
 * served any request. Each round goes from few clients to many and back, because the embedded database slows down as it
 * fills, and that must affect all rows alike.
 */
async function closedLoops(neighbours: number, { rounds, seconds }: LoadBenchSettings): Promise<void> {
  const table = new Table({
    head: [
      `in flight${neighbours > 0 ? `, beside ${neighbours} busy loops` : ''}`,
      'decisions per second',
      'refused',
      'other failures',
      'p50',
      'p99',
    ],
    style,
  });
  await underLoad(DEFAULT_DEADLINES, neighbours, async ({ load }) => {
    const row = (name: string | number, found: readonly PhaseResult[]): number => {
      const sum = (of: (one: PhaseResult) => number): number => found.reduce((total, one) => total + of(one), 0);
      const rate = sum(served) / sum((one) => one.seconds);
      const latencies = found.flatMap(latenciesOf);
      table.push([
        name,
        rate.toFixed(1),
        sum(({ shed }) => shed.length),
        sum((one) => one.sent - served(one) - one.shed.length),
        ms(percentile(latencies, 50)),
        ms(percentile(latencies, 99)),
      ]);
      return rate;
    };
    row('64, from a cold start', [await load({ seconds, inFlight: 64 })]);
    const found = new Map(CLIENTS.map((inFlight) => [inFlight, [] as PhaseResult[]]));
    const bar = startBar('rounds', rounds);
    for (let round = 0; round < rounds; round++) {
      for (const inFlight of [...CLIENTS, ...CLIENTS.toReversed()])
        found.get(inFlight)!.push(await load({ seconds: seconds / 2, inFlight }));
      bar.increment();
    }
    bar.stop();
    const rates = new Map([...found].map(([inFlight, results]) => [inFlight, row(inFlight, results)]));
    console.log(table.toString());
    console.log(
      `64 in flight over the best of ${CLIENTS.join(', ')}: ` +
        `${ratio((rates.get(64) ?? 0) / Math.max(...rates.values()))}  (target: at least 0.95). Deadlines as in ` +
        'production: a decision that misses its own is among the other failures.\n',
    );
  });
}

interface Round {
  /** Mean throughput of closed loops before and after: the work for a decision grows with the users' histories. */
  capacity: number;
  usual: PhaseResult;
  overload: PhaseResult;
  after: PhaseResult;
  healthMs: number[];
}

async function openLoop({ stack, load }: LoadedStack, settings: LoadBenchSettings): Promise<void> {
  const { rounds, seconds, factor, minutes } = settings;
  // Warm-up: compiles code, opens connections, fills caches and gives users a history.
  await load({ seconds: 15, inFlight: IN_FLIGHT });
  const all: Round[] = [];
  const bar = startBar('rounds', rounds);
  const measureCapacity = async (): Promise<number> => {
    const closed = await load({ seconds, inFlight: IN_FLIGHT });
    return served(closed) / closed.seconds;
  };
  let before = await measureCapacity();
  for (let round = 0; round < rounds; round++) {
    const capacity = before;
    const usual = await load({ seconds, rate: capacity * USUAL });
    const health = watchHealth(stack.url);
    const overload = await load({ seconds: seconds * LONGER, rate: capacity * factor });
    const healthMs = await health();
    const after = await load({ seconds, rate: capacity * AFTERWARDS });
    before = await measureCapacity();
    all.push({ capacity: (capacity + before) / 2, usual, overload, after, healthMs });
    bar.increment();
  }
  bar.stop();
  report(all, settings);
  if (minutes > 0)
    await longRun({
      url: stack.url,
      minutes,
      overload: () => load({ seconds: 30, rate: median(all.map(({ capacity }) => capacity)) * factor }),
      async capacity() {
        const closed = await load({ seconds: 8, inFlight: IN_FLIGHT });
        return served(closed) / closed.seconds;
      },
    });
}

const served = ({ accepted }: PhaseResult): number => accepted.length;
const latenciesOf = ({ accepted }: PhaseResult): number[] => accepted.map(([, taken]) => taken);

/**
 * Measures /healthz five times a second, each time on a new connection, as orchestrators do.
 * @returns a function that stops it and returns the durations in milliseconds.
 */
function watchHealth(url: string): () => Promise<number[]> {
  const taken: number[] = [];
  const over = new AbortController();
  const watch = (async () => {
    while (!over.signal.aborted) {
      const began = performance.now();
      const status = await freshGet(new URL('/healthz', url));
      if (status !== 200) throw new Error(`/healthz answered ${status}`);
      taken.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return taken;
  })();
  return () => {
    over.abort();
    return watch;
  };
}

const freshGet = (url: URL): Promise<number> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) =>
      response.resume().once('end', () => resolve(response.statusCode ?? 0)),
    ).once('error', reject);
  });

/**
 * Returns the time of the last refused request after the end of the overload, in milliseconds; 0 if none was refused.
 */
const recovery = ({ after }: Round): number => Math.max(0, ...after.shedAt);

function report(all: readonly Round[], { rounds, seconds, factor }: LoadBenchSettings): void {
  const of = (figure: (round: Round) => number): number => median(all.map(figure));
  const table = new Table({
    head: ['', 'offered per second', 'served per second', 'shed', 'p50', 'p99 of those served'],
    style,
  });
  const row = (name: string, phase: (round: Round) => PhaseResult) =>
    table.push([
      name,
      of((round) => phase(round).sent / phase(round).seconds).toFixed(0),
      of((round) => served(phase(round)) / phase(round).seconds).toFixed(0),
      `${(100 * of((round) => phase(round).shed.length / phase(round).sent)).toFixed(1)} %`,
      ms(of((round) => percentile(latenciesOf(phase(round)), 50))),
      ms(of((round) => percentile(latenciesOf(phase(round)), 99))),
    ]);
  row('70 % of capacity', ({ usual }) => usual);
  row(`overload, ${factor} × capacity`, ({ overload }) => overload);
  row('afterwards, half of capacity', ({ after }) => after);
  console.log(`\n${table.toString()}`);
  console.log(
    `Medians of ${rounds} rounds of ${seconds} s, ${seconds * LONGER} s of overload. Capacity: ` +
      `${of(({ capacity }) => capacity).toFixed(0)} decisions per second with ${IN_FLIGHT} in flight.\n`,
  );
  console.log(
    'served under overload over capacity               ' +
      `${ratio(of(({ overload, capacity }) => served(overload) / overload.seconds / capacity))}  (target: at least ` +
      '0.95)',
  );
  const p99 = of(({ overload, usual }) => percentile(latenciesOf(overload), 99) / percentile(latenciesOf(usual), 99));
  console.log(`p99 served under overload over p99 at 70 %        ${ratio(p99)}  (target: at most 3)`);
  console.log(
    'p99 of the 503 answer to a shed request           ' +
      `${ms(of(({ overload }) => percentile(overload.shed, 99)))}  (target: at most 30 ms)`,
  );
  console.log(
    `shed only after waiting in the queue              ${of(({ overload }) => overload.late.length).toFixed(0)} ` +
      `of ${of(({ overload }) => overload.shed.length).toFixed(0)}, ` +
      `${ms(of(({ overload }) => percentile(overload.late, 50)))} (p50)`,
  );
  console.log(
    `p99 of /healthz under overload                    ${ms(of(({ healthMs }) => percentile(healthMs, 99)))}`,
  );
  console.log(`last request shed after the overload's end        ${ms(of(recovery))}`);
  for (const [i, { capacity, usual, overload }] of all.entries())
    console.log(
      `  round ${i + 1}: capacity ${capacity.toFixed(0)}, offered ` +
        `${(overload.sent / served(overload)).toFixed(1)} × the served ` +
        `${(served(overload) / overload.seconds).toFixed(0)}, p99 at 70 % ` +
        `${ms(percentile(latenciesOf(usual), 99))}, under overload ${ms(percentile(latenciesOf(overload), 99))}, ` +
        `refused in ${ms(percentile(overload.shed, 99))}`,
    );
  const sum = (counts: Record<string, number>[]) =>
    [...new Set(counts.flatMap(Object.keys))]
      .sort()
      .map((key) => `${key}: ${counts.reduce((total, one) => total + (one[key] ?? 0), 0)}`);
  console.log(`Answers under overload by status: ${sum(all.map(({ overload }) => overload.byStatus)).join(', ')}.`);
  console.log(
    'Shed requests by the seconds of Retry-After: ' +
      `${sum(all.map(({ overload }) => overload.retryAfter)).join(', ')}.\n`,
  );
}
