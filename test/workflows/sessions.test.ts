import { randomUUID } from 'node:crypto';
import { NativeConnection, Worker, type WorkflowBundleWithSourceMap, bundleWorkflowCode, DefaultLogger, Runtime } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sessionActivities } from '../../src/activities/sessions';
import { SessionSweeper } from '../../src/activities/sessions/sweeper';
import type { SessionActivities } from '../../src/activities/sessions/types';
import { ExpiryIndex } from '../../src/stores/sessions/expiryIndex';
import { NotificationStore } from '../../src/stores/notifications';
import { SESSION_EXPIRY_TYPE, sessionExpiryId, type SessionExpiryInput, SESSIONS_QUEUE } from '../../src/workflows/sessions/declarations';
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';
import { startTestGraph, type TestGraph } from '../support/graph';
import { billableActions, record } from '../support/histories';
import { sessionOf, testStore, type TestStore } from '../support/sessions';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';
import { startTimeSkipping } from '../support/timeSkippingServer';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const IDLE = 30 * MINUTE;
let bundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await bundleWorkflowCode({ workflowsPath: require.resolve('../../src/workflows'), logger: new DefaultLogger('ERROR') });
}, 60_000);

describe.each([
  ['with a cache of workflows', 100],
  ['without one, so that every task replays the history', 0],
])('hours in seconds, %s', (_, maxCachedWorkflows) => {
  let environment: TestWorkflowEnvironment;
  let dynamodb: TestDynamoDB;
  let store: TestStore;
  let worker: Worker;
  let running: Promise<void>;
  /** The server's clock, as far as it is known. */
  let ahead = 0;
  const clock = () => Date.now() + ahead;
  const late: number[] = [];
  beforeAll(async () => {
    [environment, dynamodb] = await Promise.all([startTimeSkipping(), startTestDynamoDB()]);
    store = testStore(dynamodb, { idleTimeoutMs: IDLE, absoluteTimeoutMs: 12 * HOUR, expiryBuckets: 1, now: clock });
    const sweeper = new SessionSweeper({ index: new ExpiryIndex(dynamodb.db), ends: store.store.ends, shortestLifeMs: IDLE, onLateness: (ms) => late.push(ms), onFault: () => undefined, now: clock });
    const real = sessionActivities({ sweeper });
    const activities: SessionActivities = {
      sweepSessions: async (...args) => {
        await tellTime();
        return real.sweepSessions(...args);
      },
    };
    worker = await Worker.create({ connection: environment.nativeConnection, taskQueue: SESSIONS_QUEUE, workflowBundle: bundle, activities, maxCachedWorkflows });
    running = worker.run();
  }, 300_000);
  afterAll(async () => {
    worker?.shutdown();
    await running;
    await dynamodb?.stop();
    await environment?.teardown();
  });
  const tellTime = async () => void (ahead = (await environment.currentTimeMs()) - Date.now());
  /** So much later; what happens meanwhile happens. */
  const later = async (ms: number) => {
    await environment.sleep(ms);
    await tellTime();
  };

  it('ends sessions when they are due, with a handful of actions an hour whatever their number', async () => {
    const input: SessionExpiryInput = { bucket: 0, sweepMs: 5 * MINUTE };
    // Not the environment's client: that one would skip time while it waits.
    const handle = await environment.client.workflow.start(SESSION_EXPIRY_TYPE, { workflowId: sessionExpiryId(0), taskQueue: SESSIONS_QUEUE, args: [input] });
    const actions = async () => billableActions(await handle.fetchHistory());
    // Nothing to do.
    await later(4 * HOUR);
    const idle = await actions();
    expect(idle).toBeLessThanOrEqual(1 + 4 * 4 + 2);
    // A hundred sessions, all opened within a moment; half of them used once more.
    const ids = Array.from({ length: 100 }, () => randomUUID());
    await Promise.all(ids.map((id) => store.set(id, sessionOf())));
    await later(20 * MINUTE);
    for (const id of ids.slice(50)) await store.touch(id, (await store.get(id))!);
    await later(10 * MINUTE + 10_000);
    // Timers are skipped; what an activity does takes its time.
    const swept = async () => late.length;
    await eventually(swept, (count) => count >= 50);
    await later(19 * MINUTE);
    expect(late).toHaveLength(50);
    await later(2 * MINUTE);
    await eventually(swept, (count) => count >= 100);
    expect(late).toHaveLength(100);
    // Generous, since machines stall; the bench measures it. Half an hour would be a poll.
    expect(Math.max(...late)).toBeLessThan(MINUTE);
    expect((await actions()) - idle).toBeLessThanOrEqual(14);
    const { events } = await record(SESSION_EXPIRY_TYPE, 'hours', handle);
    expect(events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
    await handle.terminate();
  }, 120_000);
});

describe('in real time, on the graph', () => {
  let temporal: TestTemporal;
  let graph: TestGraph;
  let worker: Worker;
  let running: Promise<void>;
  let connection: NativeConnection;
  const settings = { LONGWATCH_SESSION_IDLE_MS: '3000', LONGWATCH_SESSION_TOUCH_MS: '300', LONGWATCH_SESSION_SWEEP_MS: '4000', LONGWATCH_SESSION_BUCKETS: '2', LONGWATCH_SESSION_EVENTS_TO: 'session-events' };
  beforeAll(async () => {
    temporal = await startTestTemporal();
    graph = await startTestGraph(settings, temporal.address);
    connection = await NativeConnection.connect({ address: temporal.address });
    worker = await Worker.create({ connection, taskQueue: SESSIONS_QUEUE, workflowBundle: bundle, activities: graph.activities[SESSIONS_QUEUE]! });
    running = worker.run();
    await graph.startStandingWorkflows();
  }, 900_000);
  afterAll(async () => {
    worker?.shutdown();
    await running;
    await connection?.close();
    await graph?.stop();
    await temporal?.stop();
  });

  it('hundreds of sessions that come due one after another: within seconds each, one activity for all of a time, and the subscriber hears of each', async () => {
    const store = testStore(graph.dynamodb, { idleTimeoutMs: 3_000, absoluteTimeoutMs: HOUR, expiryBuckets: 2, keepEvents: true });
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
      for (let cursor: string | undefined; ; ) {
        const page = await new NotificationStore(graph.dynamodb.db).list('session-events', { limit: 200, ...(cursor !== undefined && { cursor }) });
        found.push(...page.items);
        cursor = page.cursor;
        if (cursor === undefined) return found;
      }
    };
    const events = async () => (await messages()).flatMap(({ text }) => (JSON.parse(text) as { events: { handle: string; reason: string; at: string }[] }).events);
    const told = await eventually(events, (found) => new Set(found.map(({ handle }) => handle)).size === due.size);
    const lateness = told.map(({ handle, at }) => Date.parse(at) - due.get(handle)!);
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...lateness)).toBeLessThan(30_000);
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(['idle']));
    // In batches.
    expect((await messages()).length).toBeLessThan(due.size / 4);
    const seconds = (Date.now() - started) / 1_000;
    for (const bucket of [0, 1]) {
      const handle = graph.temporal.client.workflow.getHandle(sessionExpiryId(bucket));
      const history = await record(SESSION_EXPIRY_TYPE, 'busy', handle);
      // An activity and perhaps a timer for every three or four seconds, with hundreds of sessions in each.
      expect(billableActions(history)).toBeLessThanOrEqual(4 + (2 * seconds) / 3);
      expect(history.events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
    }
  }, 120_000);
});
