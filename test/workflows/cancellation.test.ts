import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { hasHeardOfCancellation, hasTakenAnswer } from '../support/historyEvents';
import { lifecycleScripts } from '../support/lifecycleScripts';
import { detailsOf, plain, type Scripted, type ScriptedCall, useScriptedWorkers } from '../support/scriptedWorkers';
import { eventually } from '../support/stack';
import { everything } from '../../src/graph/capabilities';
import { exportedWorkflows } from '../support/workflows';

const { environment, client, start, resultOf } = useScriptedWorkers();

/** The result, with time skipped, once a person has sent what they send. */
async function endOf({ handle, run }: Scripted): Promise<unknown> {
  await run.script.drive?.(handle);
  return plain(await resultOf(handle), run);
}

/** Asks for the end, and waits until the workflow has heard of it. One that has ended meanwhile hears nothing. */
async function cancel(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.cancel();
    await hasHeardOfCancellation(handle);
  } catch (error) {
    if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
  }
}

/** Cancelled while the call of a number runs. */
const cancelledDuring = (point: number) => async (_: ScriptedCall, number: number, handle: WorkflowHandle) => {
  if (number === point) await cancel(handle);
};

/**
 * Cancelled where the workflow waits behind the answer to a call: at a timer, a condition, a child or the next call. No
 * time is skipped from the answer to the cancellation, and no later call begins.
 */
function cancelledBehind(point: number) {
  const { testService } = environment().connection as unknown as { testService: TimeSkipping };
  let cancelled: Promise<void> | undefined;
  const cancelBehind = async ({ workflowId, activityId }: ScriptedCall, handle: WorkflowHandle) => {
    await hasTakenAnswer(client().workflow.getHandle(workflowId), activityId);
    await cancel(handle);
    await testService.unlockTimeSkipping({});
  };
  return {
    async onCall(call: ScriptedCall, number: number, handle: WorkflowHandle) {
      if (number > point) await cancelled;
      if (number !== point) return;
      await testService.lockTimeSkipping({});
      cancelled = cancelBehind(call, handle);
    },
    cancelled: () => cancelled,
  };
}
interface TimeSkipping {
  lockTimeSkipping(request: object): Promise<unknown>;
  unlockTimeSkipping(request: object): Promise<unknown>;
}

/**
 * A new event arrived while a task that ends the workflow was under way:
 * `temporal.api.enums.v1.WorkflowTaskFailedCause`, by number.
 */
const UNHANDLED_COMMAND = '1';
/** The server has a task done anew where the cancellation arrives while the worker is about to end the workflow. */
async function expectNoFailedTasks(handle: WorkflowHandle): Promise<void> {
  const { events } = await handle.fetchHistory();
  const failed = (events ?? []).flatMap(({ workflowTaskFailedEventAttributes: task }) =>
    task ? [String(task.cause)] : [],
  );
  expect(failed.filter((cause) => cause !== UNHANDLED_COMMAND)).toEqual([]);
}

/** After this many wait points of one kind the others are like them. */
const POINTS = 12;

it('every workflow type has a rule and a script', () => {
  expect(Object.keys(everything.lifecycles).sort()).toEqual(exportedWorkflows().sort());
  expect(Object.keys(lifecycleScripts).sort()).toEqual(exportedWorkflows().sort());
});

const types = Object.entries(lifecycleScripts);
const continues = types.filter(([type]) => everything.lifecycleRule(type)?.cancelled === 'continues');
const ending = continues.filter(([, { endless }]) => endless === undefined);

it.each(ending)('%s: cancelled at any wait point, it ends as if nobody had cancelled it', async (type, script) => {
  const whole = await start(type, script);
  const result = await endOf(whole);

  const before = await start(type, script);
  await before.handle.cancel();
  expect(await endOf(before)).toEqual(result);
  await expectNoFailedTasks(before.handle);

  for (let point = 1; point <= Math.min(whole.run.calls.length, POINTS); point++) {
    const during = await start(type, script, cancelledDuring(point));
    expect(await endOf(during)).toEqual(result);
    await expectNoFailedTasks(during.handle);

    const { onCall, cancelled } = cancelledBehind(point);
    const behind = await start(type, script, onCall);
    expect(await endOf(behind)).toEqual(result);
    await cancelled();
    await expectNoFailedTasks(behind.handle);
    // Not by number, and not `recordCase`: an investigation writes what happened since its last write in one call.
    // Which one depends on the time, and it may be the one that closes it.
    const names = ({ run }: typeof whole) => [
      ...new Set(run.calls.map(({ name }) => name).filter((name) => name !== 'recordCase')),
    ];
    expect(names(behind)).toEqual(expect.arrayContaining(names(whole)));
  }
});

it('says on its page that it was asked to end, and what to do instead', async () => {
  const asked = await start('checkout', lifecycleScripts.checkout);
  await asked.handle.cancel();
  const page = await eventually(
    () => detailsOf(asked.handle),
    (text) => text.includes('Cancellation was requested'),
  );
  expect(page).toContain('/cancel cancels it');
  await endOf(asked);
});

it('a case that was cancelled can be decided, noted and assigned, and has it on its timeline', async () => {
  const writes: string[] = [];
  const { handle, run } = await start('investigation', lifecycleScripts.investigation);
  await eventually(
    () => run.calls.filter(({ name }) => name === 'recordCase').length,
    (count) => count >= 1,
  );
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

const stops = types.filter(([type]) => everything.lifecycleRule(type)?.cancelled === 'stops');
it.each(stops)('%s: a person may stop it, and it can be started again', async (type, script) => {
  const whole = await start(type, script);
  const result = await endOf(whole);
  let stopped = 0;
  for (let point = 1; point <= Math.min(whole.run.calls.length, POINTS); point++) {
    const { onCall, cancelled } = cancelledBehind(point);
    for (const cancels of [cancelledDuring(point), onCall]) {
      const one = await start(type, script, cancels);
      const ended = await endOf(one).catch((error: unknown) => error);
      if (ended instanceof WorkflowFailedError) {
        expect(ended.cause).toBeInstanceOf(CancelledFailure);
        stopped++;
      } else expect(ended).toEqual(result);
      await expectNoFailedTasks(one.handle);
    }
    await cancelled();
  }
  expect(stopped).toBeGreaterThan(0);
  expect(await endOf(await start(type, script))).toEqual(result);
});

// Last: the time-skipping server skips no time any more once a workflow was terminated during an activity.
const endless = continues.filter(([, script]) => script.endless !== undefined);
it.each(endless)('%s: cancelled, it goes on', async (type, script) => {
  for (const when of ['during', 'behind'] as const) {
    let goOn: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (goOn = resolve));
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const one = await start(type, script, async ({ activityId }, number, handle) => {
      if (number === 1 && when === 'during') await cancel(handle);
      const cancelBehind = () => hasTakenAnswer(handle, activityId).then(() => cancel(handle));
      if (number === 1 && when === 'behind') void cancelBehind().then(goOn);
      if (number > 1 && when === 'behind') await heard;
      // An endless workflow with activities that answer at once would fill its history.
      if (number > 3) await ended;
    });
    await eventually(
      () => one.run.calls.length,
      (calls) => calls > 3,
    );
    expect((await one.handle.describe()).status.name).toBe('RUNNING');
    await one.handle.terminate();
    end();
  }
});
