import { Context } from '@temporalio/activity';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { everything } from '../../src/graph/capabilities';
import { workflowBundle } from './bundle';
import { type LifecycleScript, lifecycleScripts } from './lifecycleScripts';
import { startTimeSkipping } from './timeSkippingServer';

/** One call of an activity, of a scripted workflow or of a child of it. */
export interface ScriptedCall {
  name: string;
  args: unknown[];
  /** Of Temporal's own retries. */
  attempt: number;
  /** Of the workflow that called. */
  workflowId: string;
  activityId: string;
}

/** While a call runs, counted from 1. What it throws is what the activity throws. */
export type OnCall = (call: ScriptedCall, number: number, handle: WorkflowHandle) => unknown;

/** One run of a script. */
export interface ScriptedRun {
  script: LifecycleScript;
  /** What stands for the day in a script's answers. */
  id: string;
  calls: ScriptedCall[];
  /** Calls of each activity that were answered by the script. */
  granted: Record<string, number>;
  onCall: OnCall;
}

export interface Scripted {
  handle: WorkflowHandle;
  run: ScriptedRun;
}

/** The answer of a script to a call, as a worker gives it. */
export async function answerOf({ script, id, granted }: ScriptedRun, name: string, now: number): Promise<unknown> {
  const given = script.activities[name]!((granted[name] = (granted[name] ?? 0) + 1), now);
  return JSON.parse(JSON.stringify(given ?? null).replaceAll('"DAY"', JSON.stringify(id)));
}

/** Workers of all queues on a time-skipping server, for the tests of one file; the scripts answer all activities. */
export function useScriptedWorkers() {
  const runs = new Map<string, ScriptedRun>();
  let environment: TestWorkflowEnvironment;
  let client: Client;
  let workers: Worker[];
  let running: Promise<unknown>;

  async function answer(name: string, args: unknown[]): Promise<unknown> {
    const { workflowExecution, attempt, activityId } = Context.current().info;
    const workflowId = workflowExecution?.workflowId ?? '';
    const run = runs.get(workflowId);
    if (!run) throw ApplicationFailure.nonRetryable('of a test that is over');
    const call: ScriptedCall = { name, args, attempt, workflowId, activityId };
    run.calls.push(call);
    await run.onCall(call, run.calls.length, client.workflow.getHandle(`test/${run.id}`));
    return answerOf(run, name, await environment.currentTimeMs());
  }

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    environment = await startTimeSkipping();
    // The environment's own client skips time while it waits for a result; this one never does.
    client = new Client({ connection: environment.connection });
    const names = [...new Set(Object.values(lifecycleScripts).flatMap(({ activities }) => Object.keys(activities)))];
    const activities = Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => answer(name, args)]));
    const { nativeConnection: connection } = environment;
    const bundle = await workflowBundle();
    const settings = { connection, workflowBundle: bundle, activities };
    workers = await Promise.all(
      Object.keys(everything.queues).map((taskQueue) => Worker.create({ ...settings, taskQueue })),
    );
    running = Promise.all(workers.map((worker) => worker.run()));
  }, 300_000);
  afterAll(async () => {
    workers?.forEach((worker) => worker.shutdown());
    await running;
    await environment?.teardown();
  });

  let started = 0;
  return {
    environment: () => environment,
    client: () => client,
    async start(type: string, script: LifecycleScript, onCall: OnCall = () => undefined): Promise<Scripted> {
      const id = `${type}-${++started}`;
      const workflowId = `test/${id}`;
      const run: ScriptedRun = { script, id, calls: [], granted: {}, onCall };
      for (const one of [workflowId, ...(script.children?.(id) ?? [])]) runs.set(one, run);
      const args = script.args(id, await environment.currentTimeMs());
      return { handle: await client.workflow.start(type, { workflowId, taskQueue: script.queue, args }), run };
    },
    /** The result, with time skipped. @throws WorkflowFailedError */
    resultOf: ({ workflowId }: WorkflowHandle): Promise<unknown> =>
      environment.client.workflow.getHandle(workflowId).result(),
  };
}

/** A result without instants and without the run's own word, which differ between runs. */
export const plain = (result: unknown, { id }: ScriptedRun): unknown =>
  JSON.parse(
    JSON.stringify(result ?? null)
      .replaceAll(id, 'ID')
      .replace(/"closedAt":"[^"]*"/, '"closedAt":""'),
  );

/** What a workflow's page in the Web UI shows. */
export async function detailsOf(handle: WorkflowHandle): Promise<string> {
  return (await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
}
