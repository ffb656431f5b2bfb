import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { Client, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { queues } from '../../src/workers/queues';
import * as workflows from '../../src/workflows';
import { lifecycleRule, lifecycleRules } from '../../src/workflows/lifecycles';
import { workflowBundle } from '../support/bundle';
import { type LifecycleScript, lifecycleScripts } from '../support/lifecycleScripts';
import { eventually } from '../support/stack';
import { startTimeSkipping } from '../support/timeSkippingServer';

/** One run of a script: its activities are counted, and told to whoever waits for the next. */
interface ScriptedRun {
  script: LifecycleScript;
  /** What stands for the day in a script's answers. */
  id: string;
  calls: string[];
  /** While the activity of this number runs. */
  onCall(call: number): Promise<void>;
}

const runs = new Map<string, ScriptedRun>();
const names = [...new Set(Object.values(lifecycleScripts).flatMap(({ activities }) => Object.keys(activities)))];
const activities = Object.fromEntries(names.map((name) => [name, () => answer(name)]));

async function answer(name: string): Promise<unknown> {
  const { workflowExecution } = Context.current().info;
  const run = runs.get(workflowExecution?.workflowId ?? '')!;
  run.calls.push(name);
  const given = run.script.activities[name]!(run.calls.filter((one) => one === name).length, await timeNow());
  await run.onCall(run.calls.length);
  return JSON.parse(JSON.stringify(given ?? null).replaceAll('"DAY"', JSON.stringify(run.id)));
}

let environment: TestWorkflowEnvironment;
let client: Client;
let workers: Worker[];
let running: Promise<unknown>;
const timeNow = () => environment.currentTimeMs();

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  environment = await startTimeSkipping();
  // The environment's own client skips time while it waits for a result; this one never does.
  client = new Client({ connection: environment.connection });
  const bundle = await workflowBundle();
  workers = await Promise.all(queues.map((taskQueue) => Worker.create({ connection: environment.nativeConnection, taskQueue, workflowBundle: bundle, activities })));
  running = Promise.all(workers.map((worker) => worker.run()));
}, 300_000);
afterAll(async () => {
  workers?.forEach((worker) => worker.shutdown());
  await running;
  await environment?.teardown();
});

let started = 0;
async function start(type: string, script: LifecycleScript, onCall: (call: number, handle: () => WorkflowHandle) => Promise<void>): Promise<{ handle: WorkflowHandle; run: ScriptedRun }> {
  const id = `${type}-${++started}`;
  const workflowId = `test/${id}`;
  const handle = client.workflow.getHandle(workflowId);
  const run: ScriptedRun = { script, id, calls: [], onCall: (call) => onCall(call, () => handle) };
  for (const one of [workflowId, ...(script.children?.(id) ?? [])]) runs.set(one, run);
  await client.workflow.start(type, { workflowId, taskQueue: script.queue, args: script.args(id, await timeNow()) });
  return { handle, run };
}

/** The result, with time skipped; or why there is none. */
async function endOf(handle: WorkflowHandle, script: LifecycleScript): Promise<unknown> {
  await script.drive?.(handle);
  const result = await environment.client.workflow.getHandle(handle.workflowId).result();
  // Instants and the run's own word differ between runs.
  return JSON.parse(JSON.stringify(result ?? null).replaceAll(handle.workflowId.slice('test/'.length), 'ID').replace(/"closedAt":"[^"]*"/, '"closedAt":""'));
}

const never = async () => undefined;
/** A new event arrived while a task that ends the workflow was under way: `temporal.api.enums.v1.WorkflowTaskFailedCause`, by number. */
const UNHANDLED_COMMAND = '1';
/** After this many wait points of one kind the others are like them. */
const POINTS = 12;

it('every workflow type has a rule and a script', () => {
  expect(Object.keys(lifecycleRules).sort()).toEqual(Object.keys(workflows).sort());
  expect(Object.keys(lifecycleScripts).sort()).toEqual(Object.keys(workflows).sort());
});

const types = Object.entries(lifecycleScripts);
const continues = types.filter(([type]) => lifecycleRule(type)?.cancelled === 'continues');

it.each(continues.filter(([, { endless }]) => endless === undefined))('%s: cancelled at any wait point, it ends as if nobody had cancelled it', async (type, script) => {
  const plain = await start(type, script, never);
  const result = await endOf(plain.handle, script);
  const points = Math.min(plain.run.calls.length, POINTS);

  const before = await start(type, script, never);
  await before.handle.cancel();
  expect(await endOf(before.handle, script)).toEqual(result);

  for (let point = 1; point <= points; point++) {
    const during = await start(type, script, async (call, handle) => {
      if (call !== point) return;
      await handle().cancel().catch(ignoreClosed);
      // The workflow hears of it before the activity's answer.
      await sleep(30);
    });
    expect(await endOf(during.handle, script)).toEqual(result);

    // Behind the activity: at the timer, condition or child that comes next.
    let cancelled: Promise<unknown> | undefined;
    const after = await start(type, script, async (call, handle) => {
      if (call === point) cancelled = sleep(60).then(() => handle().cancel().catch(ignoreClosed));
    });
    if (!script.drive) await Promise.race([eventually(async () => cancelled !== undefined, Boolean).then(() => cancelled), sleep(1_000)]);
    expect(await endOf(after.handle, script)).toEqual(result);
    await cancelled;
    expect(after.run.calls.length).toBeGreaterThanOrEqual(plain.run.calls.length);
  }
}, 300_000);

it('says on its page that it was asked to end, and what to do instead', async () => {
  const { handle } = await start('checkout', lifecycleScripts.checkout, never);
  await handle.cancel();
  const details = async () => (await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
  expect(await eventually(details, (text) => text.includes('Cancellation was requested'))).toContain('/cancel cancels it');
  await endOf(handle, lifecycleScripts.checkout);
});

it('a case that was cancelled can be decided, noted and assigned, and has it on its timeline', async () => {
  const writes: string[] = [];
  const script: LifecycleScript = { ...lifecycleScripts.investigation };
  const { handle, run } = await start('investigation', script, never);
  await eventually(async () => run.calls.filter((name) => name === 'recordCase').length, (count) => count >= 1);
  await handle.cancel();
  await handle.executeUpdate('assign', { args: [{ assignee: 'ana', by: 'ana' }] });
  await handle.executeUpdate('note', { args: [{ text: 'looked at it', by: 'ana' }] });
  await handle.executeUpdate('decide', { args: [{ decision: 'fraud', by: 'ana' }] });
  expect(await handle.result()).toMatchObject({ label: 'fraud' });
  const { events } = await handle.fetchHistory();
  for (const { activityTaskScheduledEventAttributes: activity } of events ?? [])
    for (const payload of activity?.input?.payloads ?? []) writes.push(Buffer.from(payload.data!).toString());
  expect(writes.join()).toContain('"kind":"cancellation"');
});

const stops = types.filter(([type]) => lifecycleRule(type)?.cancelled === 'stops');
it.each(stops)('%s: a person may stop it, and it can be started again', async (type, script) => {
  const plain = await start(type, script, never);
  const result = await endOf(plain.handle, script);
  let stopped = 0;
  for (let point = 1; point <= Math.min(plain.run.calls.length, POINTS); point++) {
    const { handle } = await start(type, script, async (call, of) => {
      if (call === point) await of().cancel().catch(ignoreClosed);
      if (call === point) await sleep(30);
    });
    const ended = await endOf(handle, script).catch((error: unknown) => error);
    if (ended instanceof WorkflowFailedError) {
      expect(ended.cause).toBeInstanceOf(CancelledFailure);
      stopped++;
    } else expect(ended).toEqual(result);
    const { events } = await handle.fetchHistory();
    // The server has a task done anew where the cancellation arrives while the worker is about to end the workflow.
    const causes = events?.flatMap(({ workflowTaskFailedEventAttributes: failed }) => (failed ? [String(failed.cause)] : []));
    expect(causes?.filter((cause) => cause !== UNHANDLED_COMMAND)).toEqual([]);
  }
  expect(stopped).toBeGreaterThan(0);
  const again = await start(type, script, never);
  expect(await endOf(again.handle, script)).toEqual(result);
}, 120_000);

// Last: the time-skipping server skips no time any more once a workflow was terminated during an activity.
const endless = continues.filter(([, script]) => script.endless !== undefined);
it.each(endless)('%s: cancelled, it goes on', async (type, script) => {
  for (const when of ['during', 'after'] as const) {
    const { handle, run } = await start(type, script, async (call, of) => {
      if (call === 1 && when === 'during') await of().cancel();
      // An endless workflow with activities that answer at once would fill its history.
      if (call > 1) await sleep(50);
    });
    await eventually(async () => run.calls.length, (calls) => calls >= 1);
    if (when === 'after') await handle.cancel();
    const calls = run.calls.length;
    await eventually(async () => run.calls.length, (now) => now > calls + 2);
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await handle.terminate();
  }
}, 60_000);

/** It has ended meanwhile. */
function ignoreClosed(error: unknown): void {
  if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
}
