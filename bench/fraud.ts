import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import Table from 'cli-table3';
import { removeDataDir, startLongwatch } from '../test/support/stack';
import { readAddresses } from '../src/local/addresses';
import { investigationId } from '../src/domain/fraud/workflows';
import { actionsOfInvestigations } from './fraudInvestigations';
import { bar as startBar } from './support/bar';
import { FloorTables } from './support/floorTables';
import { bareDecision, openFloor } from './support/floor';
import { closeConnections, post } from './support/http';
import { latencies, median, ms, percentile, ratio, throughput } from './support/measure';
import { Payments } from './support/payments';
import { startPeer } from './support/peer/client';
import { unitsOfApprovals } from './support/units';

export interface FraudBenchSettings {
  rounds: number;
  samples: number;
  seconds: number;
  concurrency: number;
}

/** Number of payments that give users a history before the measurement. */
const SEEDED = 3_000;
/** Number of decisions, one after another, whose units are counted. */
const COUNTED = 200;

/**
 * Measures decisions through HTTP. The baseline makes the same reads, the same scoring call and the same write as bare
 * calls. The peer takes the bare decision in a workflow by update-with-start on the same server. The three take turns,
 * so that noise of the machine affects all alike.
 */
export async function benchFraud({ rounds, samples, seconds, concurrency }: FraudBenchSettings): Promise<void> {
  // The benchmark saturates the process on purpose: with the deadlines of production a small machine would mostly
  // refuse requests.
  const stack = await startLongwatch({
    LONGWATCH_MODEL_DEADLINE_MS: '10000',
    LONGWATCH_DECISION_DEADLINE_MS: '20000',
    TEMPORAL_UI_PORT: '0',
  });
  try {
    const url = new URL('/v1/transactions', stack.url);
    const payments = new Payments();
    const outcomes = new Map<string, number>();
    const decide = async () => {
      const { status, text } = await post(url, stack.key, payments.next().body);
      if (status !== 200) throw new Error(`${status}: ${text}`);
      const { outcome } = JSON.parse(text) as { outcome: string };
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };
    await seed(decide);
    outcomes.clear();

    const { parts } = readAddresses(stack.dataDir)!;
    const addresses = { dynamodb: parts.DynamoDB, sagemaker: parts.model!, temporal: parts.Temporal };
    const connection = await Connection.connect({ address: addresses.temporal });
    const client = new Client({ connection });
    const units = await unitsOfApprovals(addresses, COUNTED, () => payments.next().body);

    const tables = new FloorTables(addresses);
    const floor = openFloor(await tables.create('floor-'));
    const peer = await startPeer(await tables.create('peer-'), client);
    const bare = async () => {
      const { transaction } = payments.next();
      await bareDecision(floor, transaction.transactionId, transaction.userId, transaction.merchantId);
    };
    const inWorkflow = async () => {
      const { transaction } = payments.next();
      await peer.decide(transaction.transactionId, transaction.userId, transaction.merchantId);
    };
    const measured = { product: series(), floor: series(), peer: series() };
    const subjects = [
      [measured.product, decide],
      [measured.floor, bare],
      [measured.peer, inWorkflow],
    ] as const;
    // Warm-up: compiles code, opens connections and fills caches.
    for (const [, operation] of subjects) await latencies(30, operation);
    const bar = startBar('rounds', rounds);
    for (let round = 0; round < rounds; round++) {
      for (const [into, operation] of subjects) into.latencies.push(await latencies(samples, operation));
      for (const [into, operation] of subjects)
        into.throughputs.push(await throughput(seconds, concurrency, operation));
      bar.increment();
    }
    bar.stop();
    await peer.stop();
    report(measured, { rounds, samples, seconds, concurrency });
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
  } finally {
    closeConnections();
    await stack.stop();
    removeDataDir(stack.dataDir);
  }
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

interface Series {
  /** Milliseconds, by round. */
  latencies: number[][];
  /** Decisions per second, by round. */
  throughputs: number[];
}

const series = (): Series => ({ latencies: [], throughputs: [] });

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
  measured: Record<'product' | 'floor' | 'peer', Series>,
  { rounds, samples, seconds, concurrency }: FraudBenchSettings,
): void {
  const table = new Table({
    head: ['', 'p50', 'p95', 'p99', `decisions per second, ${concurrency} in flight`],
    style: { head: [], border: [] },
  });
  const names = {
    product: 'Longwatch through HTTP',
    floor: 'baseline: bare calls',
    peer: 'peer: a workflow per decision',
  };
  for (const [name, { latencies: taken, throughputs }] of Object.entries(measured) as [keyof typeof names, Series][]) {
    const all = taken.flat();
    table.push([
      names[name],
      ms(percentile(all, 50)),
      ms(percentile(all, 95)),
      ms(percentile(all, 99)),
      median(throughputs).toFixed(0),
    ]);
  }
  console.log(`\n${table.toString()}`);
  console.log(
    `${rounds} rounds of ${samples} latencies one after another and of ${seconds} s of throughput each, in turn.\n`,
  );
  const { product, floor, peer } = measured;
  const perRound = (a: number[], b: number[]) => median(a.map((value, i) => value / b[i]!));
  const p50 = ({ latencies: taken }: Series) => taken.map(median);
  console.log('Ratios, each the median of the ratios of the rounds:');
  console.log(`  p50 over the baseline's         ${ratio(perRound(p50(product), p50(floor)))}  (target: at most 1.5)`);
  console.log(`  p50 of the workflow over ours   ${ratio(perRound(p50(peer), p50(product)))}`);
  console.log(
    `  throughput over the baseline's  ${ratio(perRound(product.throughputs, floor.throughputs))}  (target: at ` +
      'least 0.6)',
  );
  console.log(
    `  throughput over the workflow's  ${ratio(perRound(product.throughputs, peer.throughputs))}  (target: at ` +
      'least 5)\n',
  );
}
