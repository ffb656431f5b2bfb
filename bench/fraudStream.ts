import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import Table from 'cli-table3';
import { LOCAL_CREDENTIALS } from '../src/endpoints';
import { PUT_LIMIT, putRecords } from '../src/gateways/streams/kinesisProducer';
import { kinesisClient } from '../src/gateways/streams/kinesisStream';
import { readAddresses } from '../src/local/addresses';
import { startKinesis } from '../src/local/kinesis';
import { eventually, removeDataDir, type RunningStack, startLongwatch } from '../test/support/stack';
import { bareBatch, type BareTransaction } from './support/bareBatch';
import { bar } from './support/bar';
import { openFloor } from './support/floor';
import { FloorTables } from './support/floorTables';
import { closeConnections } from './support/http';
import { median, ratio, throughput } from './support/measure';
import { Payments } from './support/payments';
import { startPeer } from './support/peer/client';

export interface FraudStreamBenchSettings {
  rounds: number;
  /** Transactions that a round puts on the stream. */
  records: number;
  /** Of the peer, a round. */
  seconds: number;
}

const SHARDS = [1, 4] as const;
const REGION = 'us-east-1';
/** As the product does by default. */
const BATCH = 300;
/** Payments that give users a past before anything is measured. */
const SEEDED = 2_000;

interface Figures {
  product: number[];
  floor: number[];
}

/**
 * Transactions a second from a backlog on the stream to their decisions, on one shard and on four, beside the bare
 * calls by the same batches with as many at work at once (the floor), and beside a workflow a transaction (the peer).
 * All in turn, so that a noisy machine treats them alike.
 */
export async function benchFraudStream({ rounds, records, seconds }: FraudStreamBenchSettings): Promise<void> {
  const figures = new Map<number, Figures>(SHARDS.map((shards) => [shards, { product: [], floor: [] }]));
  const peer: number[] = [];
  for (const shards of SHARDS) await measure(shards, figures.get(shards) as Figures, peer, { rounds, records, seconds });
  const table = new Table({ head: ['transactions a second', ...SHARDS.map((shards) => `${shards} shard${shards > 1 ? 's' : ''}`)], style: { head: [], border: [] } });
  const of = (pick: (of: Figures) => number) => SHARDS.map((shards) => pick(figures.get(shards) as Figures));
  table.push(['Longwatch from the stream', ...of(({ product }) => median(product)).map((rate) => rate.toFixed(0))]);
  table.push(['floor: bare calls by the batch', ...of(({ floor }) => median(floor)).map((rate) => rate.toFixed(0))]);
  table.push(['peer: a workflow a transaction', { content: median(peer).toFixed(0), colSpan: SHARDS.length }]);
  console.log(`\n${table.toString()}`);
  console.log(`${rounds} rounds of ${records} transactions, in turn.\n`);
  console.log('Ratios, the median over the rounds of each round’s own:');
  const perRound = (shards: number) => median((figures.get(shards) as Figures).product.map((rate, i) => rate / ((figures.get(shards) as Figures).floor[i] ?? Number.NaN)));
  for (const shards of SHARDS) console.log(`  over the floor's, ${shards} shard(s)     ${ratio(perRound(shards))}  (target: at least 0.6)`);
  for (const [i, rate] of of(({ product }) => median(product)).entries())
    console.log(`  over the workflow's, ${SHARDS[i]} shard(s)  ${ratio(rate / median(peer))}  (target: at least 20)`);
}

async function measure(shards: number, into: Figures, peerRates: number[], { rounds, records, seconds }: FraudStreamBenchSettings): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-bench-'));
  const stream = `bench-${shards}`;
  const kinesis = await startKinesis({ dataDir, inMemory: true, streams: [{ name: stream, shards }] });
  const producer = kinesisClient({ region: REGION, endpoint: kinesis.endpoint, credentials: LOCAL_CREDENTIALS });
  const stack = await startLongwatch({ KINESIS_ENDPOINT: kinesis.endpoint, LONGWATCH_TRANSACTIONS_STREAM: stream, TEMPORAL_UI_PORT: '0' });
  try {
    await eventually(() => stack.get('/readyz'), ({ status }) => status === 200);
    const payments = new Payments();
    const put = async (count: number) => {
      for (let left = count; left > 0; left -= PUT_LIMIT)
        await putRecords(
          producer,
          stream,
          Array.from({ length: Math.min(left, PUT_LIMIT) }, () => {
            const { transaction, body } = payments.next();
            return { key: transaction.userId, data: Buffer.from(body) };
          }),
        );
    };
    let expected = SEEDED;
    await put(SEEDED);
    await handled(stack, expected);

    const { parts } = readAddresses(stack.dataDir) as NonNullable<ReturnType<typeof readAddresses>>;
    const addresses = { dynamodb: parts.DynamoDB as string, sagemaker: parts.model as string, temporal: parts.Temporal as string };
    const tables = new FloorTables(addresses);
    const floor = openFloor(await tables.create('floor-'));
    const connection = await Connection.connect({ address: addresses.temporal });
    const peer = await startPeer(await tables.create('peer-'), new Client({ connection }));
    const inWorkflow = async () => {
      const { transaction } = payments.next();
      await peer.decideRecord(transaction.transactionId, transaction.userId, transaction.merchantId);
    };
    await throughput(1, 16, inWorkflow);
    await bareRate(floor, payments, records / 4, shards);
    const progress = bar(`rounds with ${shards} shard(s)`, rounds);
    for (let round = 0; round < rounds; round++) {
      await put(records);
      const { done: before } = await handledNow(stack);
      const started = performance.now();
      expected += records;
      await handled(stack, expected);
      into.product.push((expected - before) / ((performance.now() - started) / 1000));
      into.floor.push(await bareRate(floor, payments, records, shards));
      peerRates.push(await throughput(seconds, 32, inWorkflow));
      progress.increment();
    }
    progress.stop();
    await peer.stop();
    await connection.close();
  } finally {
    closeConnections();
    await stack.stop();
    removeDataDir(stack.dataDir);
    producer.destroy();
    await kinesis.child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Transactions a second, with one lane a shard; a user's are all in one lane. */
async function bareRate(floor: ReturnType<typeof openFloor>, payments: Payments, records: number, lanes: number): Promise<number> {
  const lanesOf: BareTransaction[][] = Array.from({ length: lanes }, () => []);
  for (let i = 0; i < records; i++) {
    const { transaction } = payments.next();
    const hash = [...transaction.userId].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 0);
    lanesOf[hash % lanes]?.push(transaction);
  }
  const started = performance.now();
  await Promise.all(
    lanesOf.map(async (all) => {
      for (let i = 0; i < all.length; i += BATCH) await bareBatch(floor, all.slice(i, i + BATCH));
    }),
  );
  return records / ((performance.now() - started) / 1000);
}

/** Waits until the consumer has handled so many. */
const handled = (stack: RunningStack, count: number) => eventually(() => handledNow(stack), ({ done }) => done >= count);

async function handledNow(stack: RunningStack): Promise<{ done: number }> {
  const { text } = await stack.get('/metrics');
  const lines = text.matchAll(/^longwatch_stream_records_total\{([^}]*)\} (\d+)/gm);
  let done = 0;
  for (const [, labels = '', count = '0'] of lines)
    if (labels.includes('stream="transactions"') && !labels.includes('result="degraded"')) done += Number(count);
  return { done };
}
