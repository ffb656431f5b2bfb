import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import Table from 'cli-table3';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { startDynamoDB } from '../src/local/dynamodb';
import { startEndpointServer } from '../src/local/sagemaker/server';
import { type Db, dynamoDBClient, openDb } from '../src/stores/dynamodb';
import { createTables } from '../src/stores/tableCreation';
import { endApi, type RunningApi, startApi } from '../test/support/api';
import { bar as startBar } from './support/bar';
import { closeConnections, post } from './support/http';
import { latenciesInTurn, median, ms, percentile, ratio } from './support/measure';
import { Payments } from './support/payments';
import { everything } from '../src/graph/capabilities';

export interface TelemetryBenchSettings {
  rounds: number;
  samples: number;
}

const REGION = 'us-east-1';
const KEY = 'bench-key-0123456789abcdef';
const MODEL = join(__dirname, '..', 'model', 'fraud.json');
const style = { head: [], border: [] };

/**
 * Measures the cost of telemetry: DynamoDB calls with and without their consumed capacity, and decisions through the
 * API with tracing off, on for one request in ten, and on for all. The variants take turns, in another order each time.
 */
export async function benchTelemetry({ rounds, samples }: TelemetryBenchSettings): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-bench-'));
  const dynamodb = await startDynamoDB({ dataDir, inMemory: true });
  try {
    await consumedCapacity(dynamodb.endpoint, rounds * samples);
    await tracing(dynamodb.endpoint, { rounds, samples });
  } finally {
    closeConnections();
    await dynamodb.child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Measures a read and a transaction of three items, as a decision makes them, with and without consumed capacity. */
async function consumedCapacity(endpoint: string, samples: number): Promise<void> {
  const open = (prefix: string, counted: boolean) => {
    const client = dynamoDBClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
    const bytes: number[] = [];
    const db = openDb(client, prefix, everything.tables, counted ? () => undefined : undefined);
    sizesOf(client, bytes);
    return { client, db, bytes };
  };
  const [counted, uncounted] = [open('counted-', true), open('uncounted-', false)];
  for (const { client, db } of [counted, uncounted]) {
    await createTables(client, db.table('Users').replace(/Users$/, ''), everything.tables);
    await write(db, 0);
  }
  const bar = startBar('samples of DynamoDB calls', 4);
  const of = ({ db }: typeof counted) => ({
    read: async () =>
      void (await db.client.send(new GetCommand({ TableName: db.table('UserProfiles'), Key: { UserID: 'user-0' } }))),
    write: (i: number) => write(db, i),
  });
  const [withUnits, without] = [of(counted), of(uncounted)];
  await latenciesInTurn(50, { a: withUnits.read, b: without.read, c: withUnits.write, d: without.write });
  for (const { bytes } of [counted, uncounted]) bytes.length = 0;
  const reads = await latenciesInTurn(samples, { counted: withUnits.read, uncounted: without.read });
  const readBytes = [counted, uncounted].map(({ bytes }) => median(bytes.splice(0)));
  bar.increment(2);
  const writes = await latenciesInTurn(samples, { counted: withUnits.write, uncounted: without.write });
  const writeBytes = [counted, uncounted].map(({ bytes }) => median(bytes.splice(0)));
  bar.increment(2);
  bar.stop();
  const table = new Table({
    head: ['consumed capacity', 'p50 with', 'p50 without', 'ratio', 'bytes with', 'bytes without'],
    style,
  });
  const row = (name: string, taken: Record<'counted' | 'uncounted', number[]>, [bytes = 0, bare = 0]: number[]) =>
    table.push([
      name,
      ms(median(taken.counted)),
      ms(median(taken.uncounted)),
      ratio(median(taken.counted) / median(taken.uncounted)),
      bytes,
      bare,
    ]);
  row('GetItem', reads, readBytes);
  row('TransactWriteItems, 3 items', writes, writeBytes);
  console.log(`\n${table.toString()}\n`);
  for (const { client } of [counted, uncounted]) client.destroy();
}

async function write(db: Db, i: number): Promise<void> {
  const profile = { UserID: `user-${i}`, Profile: 'x'.repeat(600) };
  const TransactItems = [
    { Put: { TableName: db.table('UserProfiles'), Item: profile } },
    { Put: { TableName: db.table('Decisions'), Item: { TransactionID: `tx-${i}`, Decision: 'x'.repeat(900) } } },
    {
      Put: {
        TableName: db.table('TransactionHistory'),
        Item: { UserID: `user-${i}`, TimeTransactionID: `${i}`, Facts: 'x'.repeat(300) },
      },
    },
  ];
  await db.client.send(new TransactWriteCommand({ TransactItems }));
}

/** Records the size of each answer's body. */
function sizesOf({ config: { requestHandler } }: DynamoDBClient, into: number[]): void {
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = async (...args) => {
    const answer = await handle(...args);
    into.push(Number((answer.response as { headers: Record<string, string> }).headers['content-length'] ?? 0));
    return answer;
  };
}

async function tracing(endpoint: string, { rounds, samples }: TelemetryBenchSettings): Promise<void> {
  const model = await startEndpointServer({
    modelPath: MODEL,
    host: '127.0.0.1',
    port: 0,
    endpointName: 'longwatch-fraud',
  });
  const collector = await startSink();
  const base = {
    DYNAMODB_ENDPOINT: endpoint,
    SAGEMAKER_ENDPOINT: model.url,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    LONGWATCH_SIGNING_SECRET: 'x'.repeat(32),
    LONGWATCH_API_KEYS: `bench:service:${KEY}`,
    LONGWATCH_LOG_LEVEL: 'warn',
    LONGWATCH_MODEL_DEADLINE_MS: '10000',
    LONGWATCH_DECISION_DEADLINE_MS: '20000',
  };
  const traced = { ...base, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const settings = {
    off: base,
    tenth: { ...traced, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
    all: traced,
  };
  const names = Object.keys(settings) as (keyof typeof settings)[];
  const apis: RunningApi[] = [];
  try {
    for (const name of names) apis.push(await startApi({ ...settings[name], LONGWATCH_TABLE_PREFIX: `${name}-` }));
    const payments = new Payments();
    const decide =
      ({ url }: RunningApi) =>
      async () => {
        const { status, text } = await post(new URL('/v1/transactions', url), KEY, payments.next().body);
        if (status !== 200) throw new Error(`${status}: ${text}`);
      };
    const operations = Object.fromEntries(names.map((name, i) => [name, decide(apis[i] as RunningApi)])) as Record<
      (typeof names)[number],
      () => Promise<void>
    >;
    await latenciesInTurn(100, operations);
    const before = apis.map(cpuMs);
    const taken = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
      (typeof names)[number],
      number[]
    >;
    const bar = startBar('rounds of decisions', rounds);
    for (let round = 0; round < rounds; round++) {
      const found = await latenciesInTurn(samples, operations);
      for (const name of names) taken[name].push(...found[name]);
      bar.increment();
    }
    bar.stop();
    const cpu = apis.map((api, i) => (cpuMs(api) - (before[i] ?? 0)) / (rounds * samples));
    const table = new Table({ head: ['tracing', 'p50', 'p95', 'p50 to off', 'CPU per decision', 'to off'], style });
    const said = { off: 'off', tenth: 'one in ten', all: 'all' };
    names.forEach((name, i) => {
      const [mine = 0, off = 0] = [cpu[i], cpu[0]];
      table.push([
        said[name],
        ms(median(taken[name])),
        ms(percentile(taken[name], 95)),
        ratio(median(taken[name]) / median(taken.off)),
        ms(mine),
        ratio(mine / off),
      ]);
    });
    console.log(`\n${table.toString()}\n`);
    const decisions = rounds * samples + 100;
    console.log(`${collector.bytes()} bytes of OTLP for some ${Math.round(decisions * 1.1)} recorded decisions.`);
  } finally {
    for (const api of apis) await endApi(api);
    await model.close();
    collector.server.closeAllConnections();
    collector.server.close();
  }
}

/**
 * Returns the CPU time of a process in milliseconds. Unlike latencies it does not depend on other load of the machine.
 * Linux only.
 */
function cpuMs({ process: { pid } }: RunningApi): number {
  const [, user = 0, system = 0] =
    /\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.map(Number) ?? [];
  return (user + system) * 10; // The kernel counts in hundredths of a second.
}

/** Starts a server that accepts traces and discards them. */
async function startSink(): Promise<{ url: string; server: Server; bytes(): number }> {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (part: Buffer) => (bytes += part.length));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, bytes: () => bytes };
}
