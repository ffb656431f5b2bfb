import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import Table from 'cli-table3';
import mqtt from 'mqtt';
import request from 'supertest';
import type { Consumer } from '../src/operations/platform/streams/consumer';
import { DEVICE_DATA_STREAM } from '../src/domain/devices/workflows';
import { endApi, startApi } from '../test/support/api';
import { startTestDynamoDB } from '../test/support/dynamodb';
import { bearer, NOWHERE, startTestGraph } from '../test/support/graph';
import { startTestKinesis, STREAM } from '../test/support/kinesis';
import { startTestMqtt } from '../test/support/mqtt';
import { readShard } from '../test/support/shards';
import { eventually } from '../test/support/stack';
import { bar } from './support/bar';
import { bareClient, bareWrites, reading, row } from './support/deviceParts';
import { closeConnections, post } from './support/http';
import { median, ms, percentile, ratio } from './support/measure';

export interface DevicesBenchSettings {
  rounds: number;
  /** Number of readings per path and round. */
  readings: number;
}

const KEY = 'bench-key-0123456789';
/** Readings in one request. */
const HTTP_BATCH = 500;
const HTTP_IN_FLIGHT = 4;
/** Number of unacknowledged messages of a device gateway. */
const MQTT_IN_FLIGHT = 1_000;
const LAG_SAMPLES = 20;

type Path = 'http' | 'mqtt' | 'kinesis';
const names: Readonly<Record<Path, string>> = {
  http: 'HTTP, batches of 500',
  mqtt: 'MQTT, one message per reading',
  kinesis: 'Kinesis, one record per reading',
};

/** Readings per second. */
interface Round {
  product: number;
  floor: number;
}

/**
 * Measures readings per second by each path, in turn with the bare BatchWriteItem of the same items (the baseline).
 * Each measurement has its own DynamoDB, because dynoxide's writes slow down with the length of a table's stream,
 * unlike DynamoDB's. The order alternates.
 */
export async function benchDevices({ rounds, readings }: DevicesBenchSettings): Promise<void> {
  const all: Record<Path, Round[]> = { http: [], mqtt: [], kinesis: [] };
  const lags: number[] = [];
  const paths = Object.keys(names) as Path[];
  const progress = bar('measurements', rounds * paths.length);
  for (let i = 0; i < rounds; i++)
    for (const path of paths) {
      all[path].push(await measure(path, readings, i % 2 === 0, lags));
      progress.increment();
    }
  progress.stop();
  const table = new Table({
    head: ['', 'readings per second', 'baseline: bare BatchWriteItem', 'ratio to the baseline'],
    style: { head: [], border: [] },
  });
  for (const path of paths) {
    const of = (pick: (round: Round) => number) => median(all[path].map(pick));
    table.push([
      names[path],
      of(({ product }) => product).toFixed(0),
      of(({ floor }) => floor).toFixed(0),
      ratio(of(({ product, floor }) => product / floor)),
    ]);
  }
  console.log(`\n${table.toString()}`);
  console.log(
    `${rounds} rounds of ${readings} readings; a ratio is the median of the ratios of the rounds ` +
      '(target: at least 0.7).',
  );
  console.log(
    `From the answer to the reading in its rollup: ${ms(percentile(lags, 50))} (p50), ` +
      `${ms(percentile(lags, 95))} (p95), including up to 250 ms of pause between two reads of an idle stream` +
      '.\n',
  );
}

async function measure(path: Path, count: number, floorFirst: boolean, lags: number[]): Promise<Round> {
  const floorDb = await startTestDynamoDB();
  const bare = bareClient(floorDb.endpoint);
  const [kinesis, broker] = await Promise.all([startTestKinesis(1), startTestMqtt()]);
  const graph = await startTestGraph({
    KINESIS_ENDPOINT: kinesis.endpoint,
    LONGWATCH_READINGS_STREAM: STREAM,
    MQTT_URL: broker.url,
  });
  const api = await startApi({
    ...graph.environment,
    LONGWATCH_API_KEYS: `bench:admin:${KEY}`,
    LONGWATCH_LOG_LEVEL: 'error',
  });
  try {
    const start = Date.now() - count * 10;
    const at = (i: number) => start + i * 10;
    const perSecond = async (work: () => Promise<unknown>): Promise<number> => {
      const started = performance.now();
      await work();
      return count / ((performance.now() - started) / 1000);
    };
    const rows = Array.from({ length: count }, (_, i) => row('floor', at(i)));
    const records = Array.from({ length: 2 * count }, (_, i) => ({
      key: 'streamed',
      data: JSON.stringify({ deviceId: 'streamed', ...reading(at(i) - count * 10) }),
    }));
    const environment = { ...graph.environment, TEMPORAL_ADDRESS: NOWHERE, LONGWATCH_LOG_LEVEL: 'error' };
    const listener = path === 'mqtt' ? await readerOf('mqtt', 0, environment, /ready/) : undefined;
    if (path === 'kinesis') await kinesis.put(records);
    const ways: Record<Path, () => Promise<number>> = {
      http: () => perSecond(() => byHttp(api.url, count, at)),
      mqtt: () => perSecond(() => publishAll(broker.url, count, at)),
      async kinesis() {
        const { said } = await readerOf('kinesis', count, environment, /took ([\d.]+)/);
        return count / (Number(said) / 1000);
      },
    };
    // Warm up: open connections and compile code, over a stream of equal length. For Kinesis this is the first half of
    // the backlog.
    await bareWrites(
      bare,
      'test-DeviceData',
      rows.map((one) => ({ ...one, deviceId: 'warm-up' })),
      'put',
    );
    if (path === 'http') await byHttp(api.url, count, at);
    if (path === 'mqtt') await publishAll(broker.url, count, (i) => at(i) - 1);
    const product = ways[path];
    const floor = () =>
      perSecond(() => bareWrites(bare, 'test-DeviceData', rows, 'put', path === 'http' ? HTTP_IN_FLIGHT * 8 : 8));
    const first = floorFirst ? await floor() : await product();
    const second = floorFirst ? await product() : await floor();
    listener?.process.kill();
    if (path === 'http') lags.push(...(await rollupLags(graph)));
    return floorFirst ? { floor: first, product: second } : { floor: second, product: first };
  } finally {
    closeConnections();
    await endApi(api);
    bare.destroy();
    await graph.stop();
    await broker.stop();
    await kinesis.stop();
    await floorDb.stop();
  }
}

/** Starts `deviceReader.ts` and waits for its first message. @returns the process and the message. */
async function readerOf(
  path: 'mqtt' | 'kinesis',
  count: number,
  environment: Record<string, string>,
  wanted: RegExp,
): Promise<{ process: ChildProcess; said: string | undefined }> {
  const reader = spawn(
    process.execPath,
    ['--import', 'tsx', join(__dirname, 'support', 'deviceReader.ts'), path, String(count)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
    },
  );
  let output = '';
  reader.stdout.on('data', (part: Buffer) => (output += part.toString()));
  await eventually(async () => reader.exitCode !== null || wanted.test(output), Boolean);
  return { process: reader, said: wanted.exec(output)?.[1] };
}

async function byHttp(api: string, count: number, at: (i: number) => number): Promise<void> {
  const url = new URL(`/v1/devices/http-${randomUUID()}/readings`, api);
  const bodies = Array.from({ length: Math.ceil(count / HTTP_BATCH) }, (_, batch) =>
    JSON.stringify({
      readings: Array.from({ length: Math.min(HTTP_BATCH, count - batch * HTTP_BATCH) }, (__, i) =>
        reading(at(batch * HTTP_BATCH + i)),
      ),
    }),
  );
  let next = 0;
  const lane = async () => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const { status, text } = await post(url, KEY, body);
      if (status !== 200) throw new Error(`${status}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: HTTP_IN_FLIGHT }, lane));
}

async function publishAll(url: string, count: number, at: (i: number) => number): Promise<void> {
  const client = await mqtt.connectAsync(url);
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < count; i = next++)
      await client.publishAsync('devices/published/readings', JSON.stringify(reading(at(i))), { qos: 1 });
  };
  await Promise.all(Array.from({ length: MQTT_IN_FLIGHT }, lane));
  await client.endAsync();
}

/** Measures the lag of the rollups, one reading after another, while the stream reader runs. @returns milliseconds. */
async function rollupLags(graph: Awaited<ReturnType<typeof startTestGraph>>): Promise<number[]> {
  const consumer = graph.consumers[DEVICE_DATA_STREAM] as Consumer<never>;
  const [shard] = await consumer.openShards();
  await readShard(consumer, shard!.shardId); // Read the records of earlier measurements first.
  const stop = new AbortController();
  const reader = consumer.consume(shard!.shardId, { signal: stop.signal, forMs: 60_000, heartbeat: () => undefined });
  const lags: number[] = [];
  const from = new Date(Date.now() - 60_000).toISOString();
  for (let i = 0; i < LAG_SAMPLES; i++) {
    await request(graph.app)
      .post('/v1/devices/lagging/readings')
      .set(...bearer('service'))
      .send({ readings: [reading(Date.now())] })
      .expect(200);
    const started = performance.now();
    for (;;) {
      const { body } = await request(graph.app)
        .get(`/v1/devices/lagging/readings?resolution=1d&from=${from}`)
        .set(...bearer('service'));
      if ((body.items.at(-1)?.readings ?? 0) > i) break;
    }
    lags.push(performance.now() - started);
  }
  stop.abort();
  await reader;
  return lags;
}
