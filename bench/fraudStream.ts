import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import Table from 'cli-table3';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
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
  /** Number of transactions per round. */
  records: number;
  /** Duration of the peer's part of a round, in seconds. */
  seconds: number;
}

const SHARDS = [1, 4] as const;
const REGION = 'us-east-1';
/** The product's default. */
const BATCH = 300;
/** Number of payments that give users a history before the measurement. */
const SEEDED = 1_000;

/** Transactions per second. */
interface Round {
  product: number;
  floor: number;
  peer: number;
}

/**
 * Measures transactions per second from a backlog on the stream to their decisions, on one shard and on four. The
 * baseline makes the bare calls for the same batches at the same concurrency. The peer starts a workflow per
 * transaction. Each round has its own stack, because dynoxide's writes slow down with the length of a table's stream,
 * unlike DynamoDB's. The order alternates, so that noise of the machine and fuller tables affect all alike.
 */
export async function benchFraudStream(settings: FraudStreamBenchSettings): Promise<void> {
  const rounds: Record<number, Round[]> = Object.fromEntries(SHARDS.map((shards) => [shards, []]));
  const progress = bar('rounds', settings.rounds * SHARDS.length);
  for (let i = 0; i < settings.rounds; i++)
    for (const shards of SHARDS) {
      rounds[shards]?.push(await measure(shards, i % 2 === 0, settings));
      progress.increment();
    }
  progress.stop();
  const table = new Table({
    head: ['transactions per second', ...SHARDS.map((shards) => `${shards} shard${shards > 1 ? 's' : ''}`)],
    style: { head: [], border: [] },
  });
  const row = (what: string, pick: (round: Round) => number) =>
    table.push([what, ...SHARDS.map((shards) => median((rounds[shards] ?? []).map(pick)).toFixed(0))]);
  row('Longwatch from the stream', ({ product }) => product);
  row('baseline: bare calls by the batch', ({ floor }) => floor);
  row('peer: a workflow per transaction', ({ peer }) => peer);
  console.log(`\n${table.toString()}`);
  console.log(`${settings.rounds} rounds of ${settings.records} transactions.\n`);
  console.log('Ratios, each the median of the ratios of the rounds:');
  for (const shards of SHARDS) {
    const of = (pick: (round: Round) => number) =>
      ratio(median((rounds[shards] ?? []).map((round) => round.product / pick(round))));
    console.log(
      `  ${shards} shard(s): over the baseline's ${of(({ floor }) => floor)} (target: at least 0.6), over the ` +
        `workflow's ${of(({ peer }) => peer)} (target: at least 20)`,
    );
  }
}

async function measure(
  shards: number,
  productFirst: boolean,
  { records, seconds }: FraudStreamBenchSettings,
): Promise<Round> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-bench-'));
  const stream = `bench-${shards}`;
  const kinesis = await startKinesis({ dataDir, inMemory: true, streams: [{ name: stream, shards }] });
  const producer = kinesisClient({ region: REGION, endpoint: kinesis.endpoint, credentials: LOCAL_CREDENTIALS });
  const stack = await startLongwatch({
    KINESIS_ENDPOINT: kinesis.endpoint,
    LONGWATCH_TRANSACTIONS_STREAM: stream,
    TEMPORAL_UI_PORT: '0',
  });
  try {
    await eventually(
      () => stack.get('/readyz'),
      ({ status }) => status === 200,
    );
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
    await put(SEEDED);
    await handled(stack, SEEDED);

    const { parts } = readAddresses(stack.dataDir) as NonNullable<ReturnType<typeof readAddresses>>;
    const addresses = { dynamodb: parts.DynamoDB, sagemaker: parts.model!, temporal: parts.Temporal };
    const tables = new FloorTables(addresses);
    const floor = openFloor(await tables.create('floor-'));
    const connection = await Connection.connect({ address: addresses.temporal });
    const peer = await startPeer(await tables.create('peer-'), new Client({ connection }));
    const inWorkflow = async () => {
      const { transaction } = payments.next();
      await peer.decideRecord(transaction.transactionId, transaction.userId, transaction.merchantId);
    };
    await throughput(1, 16, inWorkflow);
    await bareRate(floor, payments, SEEDED, shards);
    const fromStream = async () => {
      await put(records);
      const { done: before } = await handledNow(stack);
      const started = performance.now();
      await handled(stack, SEEDED + records);
      return (SEEDED + records - before) / ((performance.now() - started) / 1000);
    };
    const bare = () => bareRate(floor, payments, records, shards);
    const [first, second] = productFirst ? [await fromStream(), await bare()] : [await bare(), await fromStream()];
    const round = {
      product: productFirst ? first : second,
      floor: productFirst ? second : first,
      peer: (await throughput(seconds, 32, inWorkflow)).perSecond,
    };
    await peer.stop();
    await connection.close();
    return round;
  } finally {
    closeConnections();
    await stack.stop();
    removeDataDir(stack.dataDir);
    producer.destroy();
    await kinesis.child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/**
 * Returns the baseline's transactions per second, with one lane per shard. All transactions of a user are in the same
 * lane.
 */
async function bareRate(
  floor: ReturnType<typeof openFloor>,
  payments: Payments,
  records: number,
  lanes: number,
): Promise<number> {
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

/** Waits until the consumer has processed `count` transactions. */
const handled = (stack: RunningStack, count: number) =>
  eventually(
    () => handledNow(stack),
    ({ done }) => done >= count,
  );

async function handledNow(stack: RunningStack): Promise<{ done: number }> {
  const { text } = await stack.get('/metrics');
  const lines = text.matchAll(/^longwatch_stream_records_total\{([^}]*)\} (\d+)/gm);
  let done = 0;
  for (const [, labels = '', count = '0'] of lines)
    if (labels.includes('stream="transactions"') && !labels.includes('result="degraded"')) done += Number(count);
  return { done };
}
