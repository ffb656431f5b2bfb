import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { NotificationStore } from '../../src/stores/platform/notifications';
import { SESSION_EXPIRY_TYPE, sessionExpiryId } from '../../src/domain/sessions/workflows';
import { workflowBundle } from '../support/bundle';
import { startTestGraph, type TestGraph } from '../support/graph';
import { billableActions, record } from '../support/histories';
import { sessionOf, testStore } from '../support/sessions';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';
import { built } from '../support/built';

const IDLE_MS = 3_000;
let temporal: TestTemporal;
let graph: TestGraph;
let worker: ChildProcess | undefined;
/** Ids of the events that the webhook's receiver got. */
const received: string[] = [];
let receiver: Server;
/** Called with the next message, which is then not answered. */
let onReceipt: (() => void) | undefined;
let environment: NodeJS.ProcessEnv;

function startWorker(): void {
  worker = spawn(process.execPath, [built('src/main.ts'), 'worker'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...environment, NODE_OPTIONS: '' },
  });
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
      if (onReceipt) return onReceipt();
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
  environment = {
    ...process.env,
    LONGWATCH_LOG_LEVEL: 'error',
    LONGWATCH_WORKFLOW_BUNDLE: (await workflowBundle()).codePath,
    ...graph.environment,
  };
  startWorker();
}, 900_000);
afterAll(async () => {
  worker?.kill('SIGKILL');
  await graph?.stop();
  await temporal?.stop();
  receiver?.closeAllConnections();
  receiver?.close();
});

const openStore = () =>
  testStore(graph.dynamodb, {
    idleTimeoutMs: IDLE_MS,
    absoluteTimeoutMs: 3_600_000,
    expiryBuckets: 2,
    keepEvents: true,
  });

/** Tombstones, by whether their event is still owed. */
async function ended(): Promise<{ all: number; owed: number }> {
  const { Items = [] } = await graph.dynamodb.db.client.send(
    new ScanCommand({ TableName: graph.dynamodb.db.table('Sessions'), FilterExpression: 'attribute_exists(EndedAt)' }),
  );
  return { all: Items.length, owed: Items.filter((item) => item['ExpiryBucket'] !== undefined).length };
}

it(
  'hundreds of sessions that come due one after another: within seconds each, an activity for all of a time, and ' +
    'the subscriber hears of each',
  async () => {
    const store = openStore();
    // The sweepers are there.
    const sweepers = [0, 1].map((bucket) => graph.temporal.client.workflow.getHandle(sessionExpiryId(bucket)));
    for (const sweeper of sweepers)
      await eventually(
        () => sweeper.fetchHistory().then(billableActions, () => 0),
        (actions) => actions >= 2,
      );
    const started = Date.now();
    const due = new Map<string, number>();
    while (Date.now() - started < 5_000) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const id = randomUUID();
          const session = sessionOf();
          await store.set(id, session);
          const { handle, expiresAt } = store.store.headOf(session)!;
          due.set(handle, expiresAt);
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const messages = async () => {
      const found: { text: string }[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await new NotificationStore(graph.dynamodb.db).list('session-events', {
          limit: 200,
          ...(cursor !== undefined && { cursor }),
        });
        found.push(...page.items);
        cursor = page.cursor;
        if (cursor === undefined) return found;
      }
    };
    const events = async () =>
      (await messages()).flatMap(
        ({ text }) => (JSON.parse(text) as { events: { handle: string; reason: string; at: string }[] }).events,
      );
    const told = await eventually(events, (found) => new Set(found.map(({ handle }) => handle)).size === due.size);
    const lateness = told.map(({ handle, at }) => Date.parse(at) - due.get(handle)!);
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...lateness)).toBeLessThan(60_000);
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(['idle']));
    // In batches.
    expect((await messages()).length).toBeLessThan(due.size / 4);
    const seconds = (Date.now() - started) / 1_000;
    for (const sweeper of sweepers) {
      const history = await record(SESSION_EXPIRY_TYPE, 'busy', sweeper);
      // An activity a second, as it is set here, and perhaps a timer; the number of sessions is not in it.
      expect(billableActions(history)).toBeLessThanOrEqual(20 + 2 * seconds);
      expect(history.events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
    }
  },
);

it('kill -9 of the sweeper’s worker while it ends sessions: every session ends, and every end is told', async () => {
  const store = openStore();
  received.length = 0;
  const { all: before } = await ended();
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
  // In the middle of it: some have ended, nobody has taken the message of it yet, and others come due later.
  const told = new Promise<void>((resolve) => (onReceipt = resolve));
  await open(200);
  await told;
  await killWorker();
  onReceipt = undefined;
  await open(200);
  const { all, owed } = await ended();
  expect(all - before).toBeLessThan(ids.length);
  expect(owed).toBeGreaterThan(0);
  // Nobody sweeps, and nobody is let in.
  expect(await store.get(ids[0]!)).toBeNull();
  startWorker();
  await eventually(
    async () => (await ended()).all - before,
    (count) => count === ids.length,
  );
  // On a busy machine messages of the test before may still arrive; these sessions' alone are counted.
  const wanted = new Set([...handles].map((handle) => `${handle}.ended`));
  await eventually(
    async () => new Set(received.filter((id) => wanted.has(id))).size,
    (count) => count === wanted.size,
  );
  await eventually(
    async () => (await ended()).owed,
    (count) => count === 0,
  );
});
