import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import Table from 'cli-table3';
import { endApi } from '../test/support/api';
import { removeDataDir, startLongwatch } from '../test/support/stack';
import { readAddresses } from '../src/local/addresses';
import { investigationId } from '../src/domain/fraud/workflows';
import { actionsOfInvestigations } from './fraudInvestigations';
import { bar as startBar } from './support/bar';
import { FloorTables } from './support/floorTables';
import { BENCH_KEY, cpuMsOf, startBenchApi } from './support/benchApi';
import { bareDecision, openFloor } from './support/floor';
import { closeConnections, post } from './support/http';
import { latencies, median, ms, percentile, type Throughput, throughput } from './support/measure';
import { Payments } from './support/payments';
import { startPeer } from './support/peer/client';
import type { Reached } from './support/targets';
import { unitsOfApprovals } from './support/units';

export interface FraudBenchSettings {
  rounds: number;
  samples: number;
  seconds: number;
}

/** Number of payments that give users a history before the measurement. */
const SEEDED = 3_000;
/** Number of decisions, one after another, whose units are counted. */
const COUNTED = 200;
/** Decisions in flight, one after another first. */
const IN_FLIGHT = [1, 16, 64] as const;
type InFlight = (typeof IN_FLIGHT)[number];
/** Decisions in flight while the processor time and the peer's throughput are measured. */
const TYPICAL = 16;
const SUBJECTS = ['product', 'floor', 'peer'] as const;
type Subject = (typeof SUBJECTS)[number];
/** More payments than a subject takes in one phase. They are made before it, so that it does not pay for them. */
const READY = 4_000;

/** One phase of a round: decisions per second, the milliseconds of each, and the processor time of each. */
interface Phase extends Throughput {
  /** Milliseconds of the process that serves the product, or that makes the bare calls. */
  cpuMs?: number;
}

/**
 * Measures decisions through HTTP. The baseline makes the same reads, the same scoring call and the same write as bare
 * calls of the SDK's default clients. The peer takes the bare decision in a workflow by update-with-start on the same
 * server. The three take turns, so that noise of the machine affects all alike.
 */
export async function benchFraud(settings: FraudBenchSettings): Promise<Reached[]> {
  // The benchmark saturates the process on purpose: with the deadlines of production a small machine would mostly
  // refuse requests.
  const deadlines = { LONGWATCH_MODEL_DEADLINE_MS: '10000', LONGWATCH_DECISION_DEADLINE_MS: '20000' };
  const stack = await startLongwatch({ ...deadlines, TEMPORAL_UI_PORT: '0' });
  const { parts } = readAddresses(stack.dataDir)!;
  const addresses = { dynamodb: parts.DynamoDB, sagemaker: parts.model!, temporal: parts.Temporal };
  // The API runs in its own process, as in production, so that its processor time can be told from the workers'.
  const api = await startBenchApi(addresses);
  try {
    const url = new URL('/v1/transactions', api.url);
    const payments = new Payments();
    const outcomes = new Map<string, number>();
    const decide = async () => {
      const { status, text } = await post(url, BENCH_KEY, payments.next().body);
      if (status !== 200) throw new Error(`${status}: ${text}`);
      const { outcome } = JSON.parse(text) as { outcome: string };
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };
    await seed(decide);
    outcomes.clear();

    const connection = await Connection.connect({ address: addresses.temporal });
    const client = new Client({ connection });
    const units = await unitsOfApprovals(api, COUNTED, () => payments.next().body);

    const tables = new FloorTables(addresses);
    const floor = openFloor(await tables.create('floor-'));
    const peer = await startPeer(await tables.create('peer-'), client);
    const operations: Record<Subject, () => Promise<void>> = {
      product: decide,
      floor: async () => {
        const { transaction } = payments.next();
        await bareDecision(floor, transaction.transactionId, transaction.userId, transaction.merchantId);
      },
      peer: async () => {
        const { transaction } = payments.next();
        await peer.decide(transaction.transactionId, transaction.userId, transaction.merchantId);
      },
    };
    const cpu: Partial<Record<Subject, () => Promise<number>>> = {
      product: () => cpuMsOf(api),
      floor: async () => ownCpuMs(),
    };
    const measured = Object.fromEntries(
      SUBJECTS.map((name) => [name, Object.fromEntries(IN_FLIGHT.map((count) => [count, [] as Phase[]]))]),
    ) as Record<Subject, Record<InFlight, Phase[]>>;
    // Warm-up: compiles code, opens connections and fills caches.
    for (const name of SUBJECTS) await throughput(2, TYPICAL, operations[name]);
    const bar = startBar('rounds', settings.rounds);
    for (let round = 0; round < settings.rounds; round++) {
      for (const count of IN_FLIGHT)
        for (const name of SUBJECTS) {
          if (name === 'peer' && count > TYPICAL) continue;
          payments.prepare(READY);
          const before = await cpu[name]?.();
          const phase: Phase =
            count === 1
              ? { perSecond: Number.NaN, taken: await latencies(settings.samples, operations[name]) }
              : await throughput(settings.seconds, count, operations[name]);
          if (before !== undefined) phase.cpuMs = ((await cpu[name]!()) - before) / phase.taken.length;
          measured[name][count].push(phase);
        }
      bar.increment();
    }
    bar.stop();
    await peer.stop();
    const reached = report(measured, settings);
    const all = [...outcomes.values()].reduce((sum, count) => sum + count, 0);
    const counts = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`);
    console.log(`Outcomes of the ${all} decisions: ${counts.join(', ')}.\n`);
    console.log(
      `An approval, on average over ${COUNTED}: ${units.read.toFixed(2)} read units, ` +
        `${units.write.toFixed(2)} write units, ` +
        `${(await workflowsOf(client, units.approved)) / COUNTED} workflows.`,
    );
    console.log('Billable actions of an investigation, from its history:');
    for (const { what, actions } of await actionsOfInvestigations(stack, client))
      console.log(`  ${what.padEnd(26)} ${actions}`);
    await connection.close();
    return reached;
  } finally {
    closeConnections();
    await endApi(api, 'SIGINT');
    await stack.stop();
    removeDataDir(stack.dataDir);
  }
}

/** Returns the processor time of this process since its start, in milliseconds. */
function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Returns how many of the payments have a workflow. */
async function workflowsOf(client: Client, transactionIds: readonly string[]): Promise<number> {
  const found = await Promise.all(
    transactionIds.map((id) =>
      client.workflow
        .getHandle(investigationId(id))
        .describe()
        .then(
          () => 1,
          (error: unknown) => {
            if (error instanceof WorkflowNotFoundError) return 0;
            throw error;
          },
        ),
    ),
  );
  return found.reduce<number>((sum, one) => sum + one, 0);
}

async function seed(decide: () => Promise<void>): Promise<void> {
  const bar = startBar('payments for the history', SEEDED);
  let next = 0;
  const lane = async () => {
    while (next++ < SEEDED) {
      await decide();
      bar.increment();
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane)).finally(() => bar.stop());
}

function report(
  measured: Record<Subject, Record<InFlight, Phase[]>>,
  { rounds, samples, seconds }: FraudBenchSettings,
): Reached[] {
  const table = new Table({
    head: ['', 'in flight', 'p50', 'p95', 'p99', 'decisions per second', 'processor time'],
    style: { head: [], border: [] },
  });
  const names: Record<Subject, string> = {
    product: 'Longwatch through HTTP',
    floor: 'baseline: bare calls',
    peer: 'peer: a workflow per decision',
  };
  for (const count of IN_FLIGHT)
    for (const name of SUBJECTS) {
      const phases = measured[name][count];
      if (phases.length === 0) continue;
      const all = phases.flatMap(({ taken }) => taken);
      const cpu = phases.flatMap(({ cpuMs }) => cpuMs ?? []);
      table.push([
        names[name],
        count,
        ...[50, 95, 99].map((p) => ms(percentile(all, p))),
        count === 1 ? '' : median(phases.map(({ perSecond }) => perSecond)).toFixed(0),
        cpu.length === 0 ? '' : ms(median(cpu)),
      ]);
    }
  console.log(`\n${table.toString()}`);
  console.log(
    `${rounds} rounds of ${samples} latencies one after another and of ${seconds} s of throughput each, in turn. ` +
      'Processor time: of the API’s process, or of the process that makes the bare calls, for one decision.\n',
  );
  /** The median over the rounds of the ratio of two subjects. */
  const over = (a: Subject, b: Subject, count: InFlight, of: (phase: Phase) => number) =>
    median(measured[a][count].map((phase, round) => of(phase) / of(measured[b][count][round]!)));
  const p = (which: number) => (phase: Phase) => percentile(phase.taken, which);
  const perSecond = (phase: Phase) => phase.perSecond;
  return [
    {
      what: 'decision: p50 one at a time, over the bare calls',
      atMost: 1.15,
      reached: over('product', 'floor', 1, p(50)),
    },
    { what: 'decision: throughput at 16 in flight', atLeast: 2, reached: over('product', 'floor', 16, perSecond) },
    { what: 'decision: p99 at 16 in flight', atMost: 1, reached: over('product', 'floor', 16, p(99)) },
    { what: 'decision: throughput at 64 in flight', atLeast: 3, reached: over('product', 'floor', 64, perSecond) },
    {
      what: 'decision: processor time at 16 in flight',
      atMost: 0.5,
      reached: over('product', 'floor', 16, ({ cpuMs = Number.NaN }) => cpuMs),
    },
    {
      what: 'decision: throughput over a workflow per decision',
      atLeast: 15,
      reached: over('product', 'peer', 16, perSecond),
    },
  ];
}
