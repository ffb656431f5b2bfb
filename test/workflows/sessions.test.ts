import { randomUUID } from 'node:crypto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sessionActivities } from '../../src/activities/sessions';
import { SessionSweeper } from '../../src/operations/sessions/sweeper';
import type { SessionActivities } from '../../src/activities/sessions/types';
import { ExpiryIndex } from '../../src/stores/sessions/expiryIndex';
import {
  SESSION_EXPIRY_TYPE,
  sessionExpiryId,
  type SessionExpiryInput,
  SESSIONS_QUEUE,
} from '../../src/domain/sessions/workflows';
import { workflowBundle } from '../support/bundle';
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';
import { billableActions, record } from '../support/histories';
import { sessionOf, testStore, type TestStore } from '../support/sessions';
import { startTimeSkipping } from '../support/timeSkippingServer';
import { clockOf } from '../support/clock';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const IDLE = 30 * MINUTE;
let bundle: { codePath: string };
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
});

let environment: TestWorkflowEnvironment;
let dynamodb: TestDynamoDB;
let store: TestStore;
let activities: SessionActivities;
/** The server's clock, as far as it is known. */
let ahead = 0;
const clock = () => Date.now() + ahead;
let late: number[] = [];
beforeAll(async () => {
  // One after the other: the SDK gives the server five seconds to start.
  environment = await startTimeSkipping();
  dynamodb = await startTestDynamoDB();
  store = testStore(dynamodb, { idleTimeoutMs: IDLE, absoluteTimeoutMs: 12 * HOUR, expiryBuckets: 1, now: clock });
  const sweeper = new SessionSweeper({
    index: new ExpiryIndex(dynamodb.db),
    ends: store.store.ends,
    shortestLifeMs: IDLE,
    onLateness: (ms) => late.push(ms),
    onFault: () => undefined,
    clock: clockOf(clock),
  });
  const real = sessionActivities({ sweeper });
  activities = {
    sweepSessions: async (...args) => {
      await tellTime();
      return real.sweepSessions(...args);
    },
  };
});
afterAll(async () => {
  await dynamodb?.stop();
  await environment?.teardown();
});

const tellTime = async () => void (ahead = (await environment.currentTimeMs()) - Date.now());

describe.each([
  ['with a cache of workflows', 100],
  ['without one, so that every task replays the history', 0],
])('hours in seconds, %s', (_, maxCachedWorkflows) => {
  // A queue of its own: a poll of the worker before, already shut down, would take a task and be lost.
  const taskQueue = `${SESSIONS_QUEUE}-${maxCachedWorkflows}`;
  let worker: Worker;
  let running: Promise<void>;
  beforeAll(async () => {
    late = [];
    worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue,
      workflowBundle: bundle,
      activities,
      maxCachedWorkflows,
    });
    running = worker.run();
  });
  afterAll(async () => {
    worker?.shutdown();
    await running;
  });
  /** So much later; what happens meanwhile happens. */
  const later = async (ms: number) => {
    await environment.sleep(ms);
    await tellTime();
  };

  it('ends sessions when they are due, with a handful of actions an hour whatever their number', async () => {
    // Short, so that a task that a stalled machine loses is soon given again.
    const input: SessionExpiryInput = { bucket: 0, sweepMs: 10_000 };
    const handle = await environment.client.workflow.start(SESSION_EXPIRY_TYPE, {
      workflowId: sessionExpiryId(0),
      taskQueue,
      args: [input],
    });
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
    // Timers are skipped, while what an activity does takes its time.
    const swept = async (count: number) => {
      while (late.length < count) await later(1_000);
    };
    await swept(50);
    await later(19 * MINUTE);
    expect(late).toHaveLength(50);
    await later(2 * MINUTE);
    await swept(100);
    expect(late).toHaveLength(100);
    // Generous, since machines stall; the bench measures it. Half an hour would be a poll.
    expect(Math.max(...late)).toBeLessThan(MINUTE);
    expect((await actions()) - idle).toBeLessThanOrEqual(20);
    const { events } = await record(SESSION_EXPIRY_TYPE, 'hours', handle);
    expect(events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
    await handle.terminate();
  });
});
