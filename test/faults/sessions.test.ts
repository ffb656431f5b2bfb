import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { startTestGraph, type TestGraph } from '../support/graph';
import { sessionOf, testStore } from '../support/sessions';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';

const IDLE_MS = 3_000;
let temporal: TestTemporal;
let graph: TestGraph;
let worker: ChildProcess | undefined;
/** Ids of the events that the webhook's receiver got. */
const received: string[] = [];
let receiver: Server;
let environment: NodeJS.ProcessEnv;

function startWorker(): void {
  worker = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'worker'], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...environment, NODE_OPTIONS: '' } });
}
async function killWorker(): Promise<void> {
  const dead = new Promise((resolve) => worker!.once('exit', resolve));
  worker!.kill('SIGKILL');
  await dead;
}

beforeAll(async () => {
  temporal = await startTestTemporal();
  receiver = createServer((incoming, answer) => {
    let body = '';
    incoming.on('data', (part: Buffer) => (body += part.toString()));
    incoming.on('end', () => {
      const { text } = JSON.parse(body) as { text: string };
      received.push(...(JSON.parse(text) as { events: { id: string }[] }).events.map(({ id }) => id));
      answer.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const settings = {
    LONGWATCH_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    LONGWATCH_SESSION_IDLE_MS: String(IDLE_MS),
    LONGWATCH_SESSION_TOUCH_MS: '100',
    LONGWATCH_SESSION_SWEEP_MS: '1000',
    LONGWATCH_SESSION_BUCKETS: '2',
    LONGWATCH_SESSION_EVENTS_TO: 'session-events',
  };
  graph = await startTestGraph(settings, temporal.address);
  environment = { ...process.env, LONGWATCH_LOG_LEVEL: 'error', ...graph.environment };
  startWorker();
}, 900_000);
afterAll(async () => {
  worker?.kill('SIGKILL');
  await graph?.stop();
  await temporal?.stop();
  receiver?.closeAllConnections();
  receiver?.close();
});

/** Tombstones, by whether their event is still owed. */
async function ended(): Promise<{ all: number; owed: number }> {
  const { Items = [] } = await graph.dynamodb.db.client.send(new ScanCommand({ TableName: graph.dynamodb.db.table('Sessions'), FilterExpression: 'attribute_exists(EndedAt)' }));
  return { all: Items.length, owed: Items.filter((item) => item['ExpiryBucket'] !== undefined).length };
}

it('kill -9 of the sweeper’s worker while it ends sessions: every session ends, and every end is told', async () => {
  const store = testStore(graph.dynamodb, { idleTimeoutMs: IDLE_MS, absoluteTimeoutMs: 3_600_000, expiryBuckets: 2, keepEvents: true });
  const handles = new Set<string>();
  const ids: string[] = [];
  const open = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const id = randomUUID();
      const session = sessionOf();
      await store.set(id, session);
      ids.push(id);
      handles.add(store.store.headOf(session)!.handle);
    }
  };
  await open(400);
  // In the middle of it: some have ended, and not all are told.
  await eventually(ended, ({ all }) => all > 20);
  await killWorker();
  const { all, owed } = await ended();
  expect(all).toBeLessThan(ids.length);
  expect(owed).toBeGreaterThan(0);
  // Nobody sweeps, and nobody is let in.
  expect(await store.get(ids[0]!)).toBeNull();
  startWorker();
  await eventually(async () => (await ended()).all, (count) => count === ids.length);
  await eventually(async () => new Set(received).size, (count) => count === handles.size);
  expect(new Set(received)).toEqual(new Set([...handles].map((handle) => `${handle}.ended`)));
  await eventually(async () => (await ended()).owed, (count) => count === 0);
}, 180_000);
