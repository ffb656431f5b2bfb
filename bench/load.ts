import { fork } from 'node:child_process';
import { get } from 'node:http';
import { join } from 'node:path';
import Table from 'cli-table3';
import { removeDataDir, startLongwatch } from '../test/support/stack';
import { bar as startBar } from './support/bar';
import type { Phase, PhaseResult } from './support/loadGenerator';
import { median, ms, percentile, ratio } from './support/measure';
import { Payments } from './support/payments';

export interface LoadBenchSettings {
  rounds: number;
  seconds: number;
  factor: number;
  minutes: number;
}

/** In flight while capacity is measured. */
const IN_FLIGHT = 8;
/** Of capacity: hardly a request meets another. */
const UNLOADED = 0.1;
/** Of capacity, after the overload: what a recovered process serves without turning any away. */
const AFTERWARDS = 0.5;
const BODIES = 2_000;

/**
 * The API under more load than it can serve: what it can serve, and then ten times as much, sent in an open loop by
 * another process; what becomes of those let in and of those turned away, how soon all is as before, and the heap.
 */
export async function benchLoad({ rounds, seconds, factor, minutes }: LoadBenchSettings): Promise<void> {
  // The model's and the decision's deadlines are long, so that what is let in is the whole work; callers are not limited.
  const stack = await startLongwatch({ LONGWATCH_MODEL_DEADLINE_MS: '10000', LONGWATCH_DECISION_DEADLINE_MS: '20000', LONGWATCH_CALLER_LIMITS: 'none', TEMPORAL_UI_PORT: '0' });
  const generator = fork(join(__dirname, 'support', 'loadGenerator.ts'), { execArgv: ['--import', 'tsx'] });
  const payments = new Payments();
  const bodies = Array.from({ length: BODIES }, () => {
    const { transaction, body } = payments.next();
    return body.replace(JSON.stringify(transaction.transactionId), '"#ID#"');
  });
  let phases = 0;
  const load = (phase: Pick<Phase, 'seconds' | 'rate' | 'inFlight'>): Promise<PhaseResult> =>
    new Promise((resolve, reject) => {
      generator.once('exit', () => reject(new Error('The generator ended')));
      generator.once('message', (result: PhaseResult) => {
        generator.removeAllListeners('exit');
        resolve(result);
      });
      generator.send({ url: `${stack.url}/v1/transactions`, key: stack.key, bodies, name: `load-${++phases}`, ...phase } satisfies Phase);
    });
  try {
    await load({ seconds: 15, inFlight: IN_FLIGHT }); // Compiled, connected, cached, users with a past.
    const all: Round[] = [];
    const bar = startBar('rounds', rounds);
    for (let round = 0; round < rounds; round++) {
      const closed = await load({ seconds, inFlight: IN_FLIGHT });
      const capacity = served(closed) / closed.seconds;
      const unloaded = await load({ seconds: Math.max(seconds, 10), rate: capacity * UNLOADED });
      const health = watchHealth(stack.url);
      const overload = await load({ seconds, rate: capacity * factor });
      const healthMs = await health();
      const limit = await metricOf(stack.url, 'longwatch_http_admission_requests\\{what="limit"\\}');
      const after = await load({ seconds, rate: capacity * AFTERWARDS });
      all.push({ capacity, unloaded, overload, after, healthMs, limit });
      bar.increment();
    }
    bar.stop();
    report(all, { rounds, seconds, factor, minutes });
    if (minutes > 0) await longRun(stack.url, (rate) => load({ seconds: 30, rate }), median(all.map(({ capacity }) => capacity)) * factor, minutes);
  } finally {
    generator.disconnect();
    await stack.stop();
    removeDataDir(stack.dataDir);
  }
}

interface Round {
  capacity: number;
  unloaded: PhaseResult;
  overload: PhaseResult;
  after: PhaseResult;
  healthMs: number[];
  /** Requests that were let in at once at the end of the overload. */
  limit: number;
}

const served = ({ accepted }: PhaseResult): number => accepted.length;
const latenciesOf = ({ accepted }: PhaseResult): number[] => accepted.map(([, taken]) => taken);

/** How long /healthz takes, five times a second, on a new connection each time as orchestrators ask it, until it is told to end. */
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
    get(url, { agent: false }, (response) => response.resume().once('end', () => resolve(response.statusCode ?? 0))).once('error', reject);
  });

/** One figure of /metrics, by a pattern of its name. */
async function metricOf(url: string, name: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} ([\\d.e+]+)`, 'm').exec(metrics)?.[1]);
}

/** Milliseconds after the overload's end at which the last request was turned away; 0 where none was. */
const recovery = ({ after }: Round): number => Math.max(0, ...after.shedAt);

function report(all: readonly Round[], { rounds, seconds, factor }: LoadBenchSettings): void {
  const of = (figure: (round: Round) => number): number => median(all.map(figure));
  const table = new Table({ head: ['', 'offered a second', 'served a second', 'turned away', 'p50', 'p99 of those served'], style: { head: [], border: [] } });
  const row = (name: string, phase: (round: Round) => PhaseResult) =>
    table.push([
      name,
      of((round) => phase(round).sent / phase(round).seconds).toFixed(0),
      of((round) => served(phase(round)) / phase(round).seconds).toFixed(0),
      `${(100 * of((round) => phase(round).shed.length / phase(round).sent)).toFixed(1)} %`,
      ms(of((round) => percentile(latenciesOf(phase(round)), 50))),
      ms(of((round) => percentile(latenciesOf(phase(round)), 99))),
    ]);
  row('unloaded', ({ unloaded }) => unloaded);
  row(`overload, ${factor} × capacity`, ({ overload }) => overload);
  row('afterwards, half of capacity', ({ after }) => after);
  console.log(`\n${table.toString()}`);
  console.log(`Medians of ${rounds} rounds of ${seconds} s. Capacity: ${of(({ capacity }) => capacity).toFixed(0)} decisions a second with ${IN_FLIGHT} in flight.`);
  console.log('The generator is a process of its own, but shares the two cores with the product, DynamoDB, the model and Temporal.\n');
  console.log(`p99 served under overload over p99 unloaded       ${ratio(of(({ overload, unloaded }) => percentile(latenciesOf(overload), 99) / percentile(latenciesOf(unloaded), 99)))}  (target: at most 3)`);
  console.log(`served under overload over capacity               ${ratio(of(({ overload, capacity }) => served(overload) / overload.seconds / capacity))}`);
  console.log(`last request turned away after the overload's end ${ms(of(recovery))}`);
  console.log(`p99 of being turned away                          ${ms(of(({ overload }) => percentile(overload.shed, 99)))}`);
  console.log(`p99 of /healthz under overload                    ${ms(of(({ healthMs }) => percentile(healthMs, 99)))}`);
  for (const [i, { capacity, unloaded, overload, limit }] of all.entries())
    console.log(`  round ${i + 1}: capacity ${capacity.toFixed(0)}, p99 unloaded ${ms(percentile(latenciesOf(unloaded), 99))} of ${served(unloaded)}, under overload ${ms(percentile(latenciesOf(overload), 99))} of ${served(overload)}, let in at once ${limit}`);
  const statuses = all.map(({ overload }) => overload.byStatus);
  console.log(`Answers under overload: ${[...new Set(statuses.flatMap(Object.keys))].map((status) => `${statuses.reduce((sum, one) => sum + (one[status] ?? 0), 0)} × ${status}`).join(', ')}.`);
  console.log(`Every answer that turned one away said when to come back: ${all.every(({ overload }) => overload.retryAfter) ? 'yes' : 'NO'}.\n`);
}

async function longRun(url: string, overload: (rate: number) => Promise<PhaseResult>, rate: number, minutes: number): Promise<void> {
  console.log(`Overload for ${minutes} minutes:`);
  const table = new Table({ head: ['after', 'heap in use', 'resident', 'served', 'turned away'], style: { head: [], border: [] } });
  const heaps: number[] = [];
  for (const end = performance.now() + minutes * 60_000; performance.now() < end; ) {
    const result = await overload(rate);
    const [heap, resident] = [await metricOf(url, 'nodejs_heap_size_used_bytes'), await metricOf(url, 'process_resident_memory_bytes')];
    heaps.push(heap / 2 ** 20);
    table.push([`${((minutes * 60_000 - (end - performance.now())) / 1_000).toFixed(0)} s`, `${heaps.at(-1)?.toFixed(0)} MiB`, `${(resident / 2 ** 20).toFixed(0)} MiB`, served(result), result.shed.length]);
  }
  console.log(table.toString());
  const half = Math.floor(heaps.length / 2);
  console.log(`Heap, the lower of each half: ${Math.min(...heaps.slice(0, half)).toFixed(0)} MiB, then ${Math.min(...heaps.slice(half)).toFixed(0)} MiB.\n`);
}
