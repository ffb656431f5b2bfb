import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import Table from 'cli-table3';
import connectDynamoDB from 'connect-dynamodb';
import express from 'express';
import session, { type SessionData, type Store } from 'express-session';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { DynamoDBSessionStore } from '../src/stores/sessions/dynamoDBSessionStore';
import { REGION, startTestDynamoDB, type TestDynamoDB } from '../test/support/dynamodb';
import { bar as startBar } from './support/bar';
import { median, ms, percentile, ratio } from './support/measure';
import type { Reached } from './support/targets';
import { benchSweep } from './sessionsSweep';

export interface SessionBenchSettings {
  rounds: number;
  samples: number;
  visits: number;
  due: number;
  seconds: number;
  rate: number;
}

const MINUTE = 60_000;
/** The API's defaults. */
const API = {
  idleTimeoutMs: 30 * MINUTE,
  absoluteTimeoutMs: 12 * 60 * MINUTE,
  touchThresholdMs: 3 * MINUTE,
  expiryBuckets: 4,
};
/** Page views per visit, and the milliseconds between them. */
const VIEWS = 20;
const VIEW_EVERY_MS = 30_000;
/** One in this many page views changes the session's data. */
const CHANGES = 20;

type Operation = 'get' | 'touch' | 'save';
const operations: readonly Operation[] = ['get', 'touch', 'save'];

/** The calls of a store to DynamoDB. */
interface Asked {
  requests: number;
  read: number;
  write: number;
}

interface Subject {
  name: string;
  store: Store;
  asked: Asked;
}

/**
 * Measures our store in turn with connect-dynamodb, each with its own client to the same DynamoDB; then the sweepers.
 */
export async function benchSessions(settings: SessionBenchSettings): Promise<Reached[]> {
  const dynamodb = await startTestDynamoDB('dynoxide');
  try {
    const reached = await bothSizes(dynamodb, settings);
    await benchPageViews(dynamodb, settings.visits);
    await benchSweep(settings);
    return reached;
  } finally {
    await dynamodb.stop();
  }
}

function ours(
  dynamodb: TestDynamoDB,
  { client, asked }: Metered,
  options: Partial<ConstructorParameters<typeof DynamoDBSessionStore>[0]> = {},
): Subject {
  return {
    name: 'Longwatch',
    store: new DynamoDBSessionStore({ client, tableName: dynamodb.db.table('Sessions'), ...API, ...options }),
    asked,
  };
}

async function theirs({ client, asked }: Metered): Promise<Subject> {
  const PeerStore = connectDynamoDB(session);
  const store = new PeerStore({ table: 'connect-dynamodb', client: client as never });
  await (store as unknown as { initialize(): Promise<void> }).initialize();
  return { name: 'connect-dynamodb', store: store as unknown as Store, asked };
}

interface Metered {
  client: DynamoDBClient;
  asked: Asked;
}

/** Returns a client as an application has it, which counts nothing. */
const plainClient = (endpoint: string): Metered => ({
  client: new DynamoDBClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS }),
  asked: { requests: 0, read: 0, write: 0 },
});

/** Returns a client that counts its calls. Its middleware slows the calls of both stores. */
function meteredClient(endpoint: string): Metered {
  const { client, asked } = plainClient(endpoint);
  client.middlewareStack.add(
    (next, context) => async (args) => {
      Object.assign(args.input as object, { ReturnConsumedCapacity: 'TOTAL' });
      const result = await next(args);
      asked.requests++;
      const given =
        (result.output as { ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[] })
          .ConsumedCapacity ?? [];
      const units = [given].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
      asked[/^(Get|Query|BatchGet|Scan)/.test(context.commandName ?? '') ? 'read' : 'write'] += units;
      return result;
    },
    { step: 'initialize', name: 'bench' },
  );
  return { client, asked };
}

const by = <T>(call: (done: (error?: unknown, result?: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => call((error, result) => (error ? reject(error as Error) : resolve(result as T))));

type OperationSettings = Pick<SessionBenchSettings, 'rounds' | 'samples'>;

/** Measures get, touch and save only. */
export async function benchSessionOperations(settings: OperationSettings): Promise<Reached[]> {
  const dynamodb = await startTestDynamoDB('dynoxide');
  try {
    return await bothSizes(dynamodb, settings);
  } finally {
    await dynamodb.stop();
  }
}

async function bothSizes(dynamodb: TestDynamoDB, settings: OperationSettings): Promise<Reached[]> {
  const reached: Reached[] = [];
  for (const [bytes, atMost] of [
    [500, 1],
    [3_000, 1.2],
  ] as const)
    reached.push({
      what: `session: save of changed data of ${bytes} bytes, p50 over connect-dynamodb's`,
      atMost,
      reached: await benchOperations(dynamodb, bytes, settings),
    });
  return reached;
}

/**
 * Measures get, touch and save. Each round loads every session once, then touches it, then changes and saves it. Every
 * touch and save writes.
 * @returns the p50 of a save over that of connect-dynamodb
 */
async function benchOperations(
  dynamodb: TestDynamoDB,
  bytes: number,
  { rounds, samples }: OperationSettings,
): Promise<number> {
  const { endpoint } = dynamodb;
  const subjects = [
    ours(dynamodb, plainClient(endpoint), { touchThresholdMs: 0 }),
    await theirs(plainClient(endpoint)),
  ];
  const taken = new Map(
    subjects.map(({ name }) => [name, { get: [] as number[][], touch: [] as number[][], save: [] as number[][] }]),
  );
  const ids = Array.from({ length: samples }, () => randomUUID());
  const fresh = (): SessionData =>
    ({ cookie: new session.Cookie(), text: 'x'.repeat(bytes) }) as unknown as SessionData;
  for (const { store } of subjects) for (const id of ids) await by((done) => store.set(id, fresh(), done));
  const bar = startBar(`rounds with ${bytes} bytes of data`, rounds);
  // The first round is not counted: it compiles code, opens connections and fills caches.
  for (let round = -1; round < rounds; round++) {
    const loaded = new Map(subjects.map(({ name }) => [name, [] as SessionData[]]));
    // The stores take turns after every call, so that noise of the machine affects both alike.
    const timed = async (operation: Operation, run: (subject: Subject, i: number) => Promise<unknown>) => {
      const times = new Map(subjects.map(({ name }) => [name, [] as number[]]));
      for (let i = 0; i < samples; i++)
        for (const subject of i % 2 === 0 ? subjects : subjects.toReversed()) {
          const started = performance.now();
          await run(subject, i);
          times.get(subject.name)?.push(performance.now() - started);
        }
      if (round >= 0) for (const [name, each] of times) taken.get(name)?.[operation].push(each);
    };
    await timed(
      'get',
      async ({ name, store }, i) =>
        (loaded.get(name)![i] = await by<SessionData>((done) => store.get(ids[i]!, done as never))),
    );
    await timed('touch', ({ name, store }, i) => by((done) => store.touch?.(ids[i]!, loaded.get(name)![i]!, done)));
    for (const one of [...loaded.values()].flat()) Object.assign(one, { text: `${round}`.padEnd(bytes, 'y') });
    await timed('save', ({ name, store }, i) => by((done) => store.set(ids[i]!, loaded.get(name)![i]!, done)));
    if (round >= 0) bar.increment();
  }
  bar.stop();
  const [our, their] = subjects.map(({ name }) => taken.get(name)!) as [
    Record<Operation, number[][]>,
    Record<Operation, number[][]>,
  ];
  const table = new Table({
    head: [`${bytes} bytes`, 'Longwatch p50', 'p99', 'connect-dynamodb p50', 'p99', 'ours over theirs, p50'],
    style: { head: [], border: [] },
  });
  for (const operation of operations) {
    const each = our[operation].map((times, round) => median(times) / median(their[operation][round]!));
    const [a, b] = [our[operation].flat(), their[operation].flat()];
    table.push([
      operation,
      ms(percentile(a, 50)),
      ms(percentile(a, 99)),
      ms(percentile(b, 50)),
      ms(percentile(b, 99)),
      ratio(median(each)),
    ]);
  }
  console.log(
    `\n${table.toString()}\n${rounds} rounds of ${samples}, one after another, call by call in turn; the ratio ` +
      'is the median over the rounds. Touches and saves that are written.\n',
  );
  return median(our.save.map((times, round) => median(times) / median(their.save[round]!)));
}

/**
 * Measures visits through express-session: page views half a minute apart, some of which change data. The simulated
 * time only matters for our store.
 */
async function benchPageViews(dynamodb: TestDynamoDB, visits: number): Promise<void> {
  const table = new Table({
    head: ['1,000 page views', 'requests', 'read units', 'write units', 'page view, p50', 'p99'],
    style: { head: [], border: [] },
  });
  const written: number[] = [];
  const medians: number[] = [];
  for (const resave of [false, true]) {
    let passed = 0;
    const { endpoint } = dynamodb;
    const subjects = [
      ours(dynamodb, meteredClient(endpoint), { now: () => Date.now() + passed }),
      await theirs(meteredClient(endpoint)),
    ];
    const sites = await Promise.all(subjects.map(({ store }) => openSite(store, resave)));
    const taken = subjects.map((): number[] => []);
    for (let i = 0; i < visits; i++)
      for (const [which, site] of sites.entries())
        taken[which]!.push(...(await visit(site.url, () => (passed += VIEW_EVERY_MS))));
    for (const [which, { name, asked }] of subjects.entries()) {
      const per = (of: keyof Asked) => (asked[of] * 1_000) / (visits * VIEWS);
      table.push([
        `${name}, resave ${resave}`,
        per('requests').toFixed(0),
        per('read').toFixed(0),
        per('write').toFixed(0),
        ms(percentile(taken[which]!, 50)),
        ms(percentile(taken[which]!, 99)),
      ]);
      written.push(per('write'));
      medians.push(median(taken[which]!));
    }
    for (const site of sites) site.close();
  }
  console.log(table.toString());
  console.log(
    `${visits} visits of ${VIEWS} page views ${VIEW_EVERY_MS / 1000} s apart, each ${CHANGES}th of which changes ` +
      `data; idle timeout ${API.idleTimeoutMs / MINUTE} min, threshold ${API.touchThresholdMs / MINUTE} min; ours ` +
      'with the expiry index, theirs without one.',
  );
  const over = (values: number[]) =>
    [ratio(values[0]! / values[1]!), ratio(values[2]! / values[3]!)].join(', with resave ');
  console.log(`Write units over theirs: ${over(written)}  (target: at most 0.5)`);
  console.log(`Page view over theirs, p50: ${over(medians)}  (target: at most 1)\n`);
}

/** Starts an application whose pages use the session and sometimes change it. */
async function openSite(store: Store, resave: boolean): Promise<{ url: string; close(): void }> {
  const app = express();
  let view = 0;
  app.use(session({ store, secret: 'only for a bench', resave, saveUninitialized: false }));
  app.get('/', (request, response) => {
    const data = request.session as unknown as { user?: string; changes?: number; text?: string };
    if (data.user === undefined) Object.assign(data, { user: randomUUID(), text: 'x'.repeat(400) });
    else if (++view % CHANGES === 0) data.changes = view;
    response.end('page');
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Makes a visit. @returns milliseconds of each page view. */
async function visit(url: string, pass: () => void): Promise<number[]> {
  const taken: number[] = [];
  let cookie: string | undefined;
  for (let page = 0; page < VIEWS; page++) {
    const started = performance.now();
    const response = await fetch(url, { headers: cookie === undefined ? {} : { cookie } });
    await response.text();
    taken.push(performance.now() - started);
    cookie ??= response.headers.get('set-cookie')?.split(';')[0];
    pass();
  }
  return taken;
}
