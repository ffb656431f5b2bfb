import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { CaseWrite } from '../../src/domain/fraud/investigationRecord';
import { type LifecycleScript, lifecycleScripts } from '../support/lifecycleScripts';
import type { Scripted, ScriptedCall, ScriptedRun } from '../support/scriptedWorkers';
import { detailsOf, plain, useScriptedWorkers } from '../support/scriptedWorkers';
import { eventually } from '../support/stack';
import { exportedWorkflows, lifecycleRules, type WorkflowType } from '../support/workflows';

// Every activity call of every workflow is refused for good, one at a time. A new workflow type or activity is in here
// by
// its rule and its script, without which the compiler or a test complains.

const REASON = 'refused by the test';
type Refuses = (call: ScriptedCall, number: number) => boolean;

const { environment, client, start: startScripted, resultOf } = useScriptedWorkers();

async function start(type: string, script: LifecycleScript, refuses: Refuses): Promise<Scripted> {
  return startScripted(type, script, async (call, number) => {
    if (script.endless !== undefined) await sleep(50);
    if (refuses(call, number)) throw ApplicationFailure.nonRetryable(REASON, 'refused');
  });
}

const never = () => false;
const at = (point: number) => (_: ScriptedCall, number: number) => number === point;
/** A refused call is not tried again by Temporal. */
const expectNoRetries = ({ calls }: ScriptedRun) => expect(calls.filter(({ attempt }) => attempt > 1)).toEqual([]);

it('every workflow type says what it answers', () => {
  expect(Object.keys(lifecycleRules).sort()).toEqual(exportedWorkflows().sort());
});

const of = (refused: string) =>
  Object.entries(lifecycleScripts).filter(
    ([type, { endless }]) => lifecycleRules[type as WorkflowType].refused === refused && endless === undefined,
  );

it.each(of('holds'))(
  '%s: refused at any step, it holds there, and ends as ever once the step is taken',
  async (type, script) => {
    const whole = await start(type, script, never);
    const result = plain(await resultOf(whole.handle), whole.run);
    for (let point = 1; point <= Math.min(whole.run.calls.length, 12); point++) {
      const { handle, run } = await start(type, script, at(point));
      const begun = await environment().currentTimeMs();
      const before = await resultOf(handle);
      expect(plain(before, run)).toEqual(result);
      expect(run.calls).toHaveLength(whole.run.calls.length + (script.again?.[run.calls[point - 1]!.name] ?? 1));
      expectNoRetries(run);
      expect((await environment().currentTimeMs()) - begun).toBeGreaterThanOrEqual(60_000);
    }
  },
);

it('a step that is held shows on the page, with the reason, until it is taken', async () => {
  let isRefused = true;
  const { handle, run } = await start('relation', lifecycleScripts.relation, () => isRefused);
  const page = await eventually(
    () => detailsOf(handle),
    (text) => text.includes(REASON),
  );
  expect(page).toMatch(/step `settleRelation` was refused at .+It is retried at/);
  await environment().sleep('3 hours');
  // Twice the pause each time, up to an hour: not a storm.
  await eventually(
    async () => run.calls.length,
    (calls) => calls >= 7,
  );
  expect(run.calls.length).toBeLessThanOrEqual(9);
  isRefused = false;
  expect(await resultOf(handle)).toBe('filled');
  expect(await detailsOf(handle)).not.toContain(REASON);
});

it(
  'eraseDevice: a day of which a step is refused holds up no other day and no other work on it, and shows on the ' +
    'page until it is erased',
  async () => {
    let isRefused = true;
    const days = (id: string) => [`${id}-good`, `${id}-bad`, `${id}-last`];
    const erasing = lifecycleScripts.eraseDevice;
    let id = '';
    const script: LifecycleScript = {
      ...erasing,
      // An archive of the day, too, is answered by this script.
      activities: { ...lifecycleScripts.archiveDay.activities, ...erasing.activities, daysOfDevice: () => days(id) },
      args: (own) => ((id = own), [{ deviceId: own, waitMs: 0 }]),
      children: (own) => days(own).map((day) => `archive/${day}`),
    };
    const { handle, run } = await start(
      'eraseDevice',
      script,
      ({ name, args }) => isRefused && name === 'rewriteDay' && String(args[0]).endsWith('-bad'),
    );
    const page = await eventually(
      () => detailsOf(handle),
      (text) => text.includes(REASON),
    );
    expect(page).toMatch(
      /Erasing was refused at .+ from .+-bad \(refused by the test\).+It is retried at .+all other days are done/,
    );
    expect(run.calls.filter(({ name }) => name === 'rewriteDay').map(({ args }) => args[0])).toEqual(days(run.id));
    // The day is not leased: other work on it starts and ends while the erasure waits.
    const bad = `${run.id}-bad`;
    const archived = await client().workflow.execute('archiveDay', {
      workflowId: `archive/${bad}`,
      taskQueue: erasing.queue,
      args: [{ day: bad }],
    });
    expect(archived).toMatchObject({ rows: 1, files: 1 });
    isRefused = false;
    expect(await resultOf(handle)).toEqual({ days: 3, rewritten: 3 });
    expect(await detailsOf(handle)).not.toContain(REASON);
    expectNoRetries(run);
  },
);

const failureOf = (error: unknown): string[] =>
  error instanceof Error ? [error.message, ...failureOf(error.cause)] : [];

it('rankCheck: a ranking whose check is refused is skipped and told; the others are checked', async () => {
  const { handle, run } = await start(
    'rankCheck',
    lifecycleScripts.rankCheck,
    ({ name }, number) => name === 'checkRanks' && number === 2,
  );
  expect(await resultOf(handle)).toMatchObject({ shards: 1, skipped: 1 });
  expect(run.calls.map(({ name }) => name)).toEqual(['ranksToCheck', 'checkRanks', 'checkRanks']);
  expect(await detailsOf(handle)).toContain('**1** could not be checked');
});

it('rollupCheck: a day whose check is refused is skipped and told; the others are checked', async () => {
  const script: LifecycleScript = {
    ...lifecycleScripts.rollupCheck,
    args: (id) => [{ days: [`${id}-bad`, `${id}-good`] }],
    children: (id) => [`archive/${id}-bad`, `archive/${id}-good`],
  };
  const { handle, run } = await start('rollupCheck', script, ({ args }) => String(args[0]).endsWith('-bad'));
  expect(await resultOf(handle)).toMatchObject({ days: 1, devices: 16, skipped: [`${run.id}-bad`] });
});

describe('investigation', () => {
  const script = lifecycleScripts.investigation;
  const writesOf = ({ calls }: ScriptedRun) =>
    calls.filter(({ name }) => name === 'recordCase' || name === 'closeCase').map(({ args }) => args[0] as CaseWrite);
  const firstWrite = (run: ScriptedRun) =>
    eventually(
      async () => writesOf(run).length,
      (count) => count >= 1,
    );
  const refusalOf = (update: Promise<unknown>) =>
    update.then(
      () => undefined,
      (error: unknown) =>
        error instanceof WorkflowUpdateFailedError ? (error.cause as ApplicationFailure) : Promise.reject(error),
    );
  const has = (write: CaseWrite | undefined, kind: string) =>
    (write?.entries ?? []).some((entry) => entry.kind === kind);
  const decide = (handle: WorkflowHandle, decision: string) =>
    handle.executeUpdate('decide', { args: [{ decision, by: 'ana' }] });

  it.each([
    ['note', { text: 'odd', by: 'ana' }, 'noted'],
    ['assign', { assignee: 'ben', by: 'ana' }, 'assigned'],
    ['decide', { decision: 'fraud', by: 'ana' }, 'closed'],
  ])(
    'a refused %s is answered so, changes nothing, stands on the timeline, and the case is decidable',
    async (update, request, kind) => {
      let isRefused = true;
      const { handle, run } = await start(
        'investigation',
        script,
        ({ args }) => isRefused && has(args[0] as CaseWrite, kind),
      );
      await firstWrite(run);
      const why = await refusalOf(handle.executeUpdate(update, { args: [request] }));
      expect(why).toMatchObject({ type: 'refused', message: `It could not be stored and changed nothing: ${REASON}` });
      const told = await eventually(async () => writesOf(run).find((write) => has(write, 'refused')), Boolean);
      expect(told).toMatchObject({ header: { status: 'waiting', hold: 'none' }, fromRevision: 1, revision: 2 });
      expect(told?.header.assignee).toBeUndefined();
      await handle
        .executeUpdate('note', { args: [{ text: 'called the customer', by: 'ben' }] })
        .catch(() => expect(kind).toBe('noted'));
      isRefused = false;
      await decide(handle, 'genuine');
      expect(await handle.result()).toMatchObject({ label: 'genuine' });
      const revisions = writesOf(run)
        .filter((write) => !has(write, kind) || has(write, 'closed'))
        .map(({ revision }) => revision);
      expect([...new Set(revisions)]).toEqual(revisions.length > 3 ? expect.any(Array) : revisions);
      expectNoRetries(run);
    },
  );

  it('requests that came behind a refused one are taken as if it had not been', async () => {
    const { handle, run } = await start('investigation', script, ({ args }) => has(args[0] as CaseWrite, 'noted'));
    await firstWrite(run);
    const [noted, assigned] = await Promise.all([
      refusalOf(handle.executeUpdate('note', { args: [{ text: 'odd', by: 'ana' }] })),
      handle.executeUpdate('assign', { args: [{ assignee: 'ben', by: 'ben' }] }),
    ]);
    expect(noted?.type).toBe('refused');
    expect(assigned).toMatchObject({ status: 'waiting' });
    await decide(handle, 'fraud');
    expect(await handle.result()).toMatchObject({ label: 'fraud' });
    const revisions = writesOf(run)
      .filter((write) => !has(write, 'noted'))
      .map(({ fromRevision, revision }) => [fromRevision, revision]);
    for (const [from, to] of revisions) expect(to).toBe(from! + 1);
  });

  it('a step of time or of the model that is refused is written without its texts', async () => {
    const { handle, run } = await start('investigation', script, at(2));
    await eventually(
      async () => writesOf(run).length,
      (count) => count >= 2,
    );
    const [refused, written] = writesOf(run);
    expect(written).toMatchObject({
      fromRevision: refused!.fromRevision,
      revision: refused!.revision,
      header: refused!.header,
    });
    expect(written!.entries.map(({ kind }) => kind)).toEqual(refused!.entries.map(({ kind }) => kind));
    expect(new Set(written!.entries.map(({ text }) => text))).toEqual(
      new Set(['The text of this entry could not be stored']),
    );
    await decide(handle, 'genuine');
    expect(await handle.result()).toMatchObject({ label: 'genuine' });
  });

  it('while nothing can be written, requests are refused at once; once it can, the case goes on', async () => {
    let isRefused = true;
    const { handle, run } = await start(
      'investigation',
      script,
      ({ name }) => isRefused && name !== 'proveSender' && name !== 'scoreCase' && name !== 'sendLetter',
    );
    await eventually(
      () => detailsOf(handle),
      (text) => text.includes('cannot be written'),
    );
    const why = await refusalOf(decide(handle, 'fraud'));
    expect(why).toMatchObject({ type: 'refused', message: expect.stringContaining(REASON) });
    isRefused = false;
    await environment().sleep('2 minutes');
    await eventually(
      () => detailsOf(handle),
      (text) => !text.includes('cannot be written'),
    );
    await decide(handle, 'fraud');
    expect(await handle.result()).toMatchObject({ label: 'fraud' });
    expectNoRetries(run);
  });

  it('where the proof of who sent a request is refused, the request is, and the case goes on', async () => {
    let isRefused = true;
    const { handle, run } = await start('investigation', script, ({ name }) => isRefused && name === 'proveSender');
    await firstWrite(run);
    expect(await refusalOf(decide(handle, 'fraud'))).toMatchObject({ type: 'refused', message: REASON });
    isRefused = false;
    await decide(handle, 'fraud');
    expect(await handle.result()).toMatchObject({ label: 'fraud' });
  });

  it('a letter and a score that are refused stand on the timeline, and the case goes on without them', async () => {
    const block: LifecycleScript = {
      ...script,
      activities: {
        ...script.activities,
        scoreCase: () => ({ score: 0.9, contributions: [], modelVersion: 'm', outcome: 'block', reasons: [] }),
      },
    };
    const letterless = await start('investigation', block, ({ name }) => name === 'sendLetter');
    await eventually(async () => writesOf(letterless.run).some((write) => has(write, 'undelivered')), Boolean);
    const scoreless = await start('investigation', script, ({ name }) => name === 'scoreCase');
    await firstWrite(scoreless.run);
    for (const { handle, run } of [letterless, scoreless]) {
      await decide(handle, 'fraud');
      expect(await handle.result()).toMatchObject({ label: 'fraud' });
      expectNoRetries(run);
    }
  });
});

const endless = Object.entries(lifecycleScripts).filter(([, script]) => script.endless !== undefined);
it.each(endless)('%s: refused at its first step, it does not end and goes on', async (type, script) => {
  let ends = false;
  const { handle, run } = await start(
    type,
    script,
    ({ name }, number) => name === script.endless && (number === 1 || ends),
  );
  await eventually(
    () => detailsOf(handle),
    (text) => text.includes(REASON),
  );
  // Just short of the pause: once its activities follow each other without one, no time is skipped any more.
  await environment().sleep('58 seconds');
  await eventually(
    async () => run.granted[script.endless!] ?? 0,
    (granted) => granted > 1,
  );
  expect((await handle.describe()).status.name).toBe('RUNNING');
  expectNoRetries(run);
  // Not during an activity: the time-skipping server would skip no time any more.
  ends = true;
  await eventually(
    () => detailsOf(handle),
    (text) => text.includes(REASON),
  );
  await handle.terminate();
});

// Last: a workflow that fails beside activities under way ends the skipping of time, too.
it.each(of('fails'))('%s: refused at any step, it fails, and nothing tries the step again', async (type, script) => {
  const whole = await start(type, script, never);
  await resultOf(whole.handle);
  for (let point = 1; point <= Math.min(whole.run.calls.length, 12); point++) {
    const { handle, run } = await start(type, script, at(point));
    const ended = await resultOf(handle).catch((error: unknown) => error);
    // The day that archiveDue archives fails as a workflow of its own, and is listed: the other days are archived.
    if (type === 'archiveDue' && !(ended instanceof WorkflowFailedError))
      expect(ended).toMatchObject({ done: [], failed: [run.id] });
    else {
      expect(ended).toBeInstanceOf(WorkflowFailedError);
      expect(JSON.stringify(failureOf(ended))).toContain(REASON);
    }
    expectNoRetries(run);
  }
});
