import type { Day } from '../../src/domain/devices/days';
import { archiveWorkflowId, rollupCheckId } from '../../src/domain/devices/workflows';
import { fanOutId, relationId, retractId } from '../../src/domain/feeds/workflows';
import { seasonMovedStart } from '../../src/domain/leaderboards/workflows';
import type { LifecycleRule } from '../../src/domain/platform/lifecycle';
import { redriveWorkflowId } from '../../src/domain/platform/workflows';
import { type LifecycleScript, lifecycleScripts } from '../support/lifecycleScripts';
import { useReconciledGraph } from '../support/reconciledGraph';
import { type Rowed, rowedLifecycles } from '../support/rowedLifecycles';
import { eventually } from '../support/stack';
import { lifecycleRules, type WorkflowType } from '../support/workflows';
import { isIdle, type Point, type Termination, Terminations } from '../support/terminations';

// Every workflow type is terminated at its wait points. Whatever owns it brings it back, and it comes to the end that
// its row asks for. The types are those of `lifecycleRules`: the compiler asks for the entry of a new one.

const { graph, client, ask, handle, statusOf, look, seen, startWorkers } = useReconciledGraph({
  // The looks are those that the tests ask for.
  LONGWATCH_RECONCILE_EVERY_MS: '3600000',
  LONGWATCH_CART_REMINDERS: '1s',
  LONGWATCH_CART_ABANDON_AFTER_MS: '3000',
  LONGWATCH_CART_QUIET_HOURS: 'none',
  LONGWATCH_CHECKOUT_HOLD_MS: '3000',
  LONGWATCH_FEED_THRESHOLD: '1',
  LONGWATCH_DEVICE_CACHE_MS: '1000',
  LONGWATCH_ERASE_AFTER_MS: '2000',
});
const terminations = new Terminations(handle);
beforeAll(async () => {
  await graph().startStandingWorkflows();
  await startWorkers((activities) => terminations.through(activities));
  const book = { title: 'Seneca', price: 100, currency: 'EUR', stockOnHand: 1_000 };
  await ask('admin', 'put', '/v1/products/book', book).expect(200);
});

/** A lifecycle without a row; its activities are scripted, where it is not one that is always there. */
type Unrowed =
  | { by: 'input'; idOf(name: string): string }
  | { by: 'standing'; id: string }
  /** `parent` is started again by nobody; it starts its child again. */
  | { by: 'parent'; parent: { type: keyof typeof lifecycleScripts; script?: Partial<LifecycleScript> } }
  | { by: 'parent'; stream: string }
  /** The schedule starts it itself, or the scan that it starts does. */
  | { by: 'schedule'; schedule: string }
  | { by: 'schedule'; due: 'archive' | 'expire' }
  | { by: 'nobody'; idOf(name: string): string };

type Type = WorkflowType;
const all: Record<Type, Rowed | Unrowed> = {
  ...rowedLifecycles(ask),
  seasonMoved: { by: 'input', idOf: (name) => seasonMovedStart(name, 1, 1).workflowId },
  fanOut: { by: 'input', idOf: fanOutId },
  retract: { by: 'input', idOf: retractId },
  relation: { by: 'input', idOf: (authorId) => relationId({ readerId: 'reader', authorId, epoch: 1 }) },
  deviceAlerts: { by: 'input', idOf: (name) => `alert/${name}/hot/1` },
  rollupCheck: { by: 'input', idOf: (name) => rollupCheckId(name as Day) },
  relay: { by: 'standing', id: 'relay' },
  reconciler: { by: 'standing', id: 'reconciler' },
  stream: { by: 'standing', id: 'stream/leaderboard' },
  silence: { by: 'standing', id: 'silence' },
  sessionExpiry: { by: 'standing', id: 'session-expiry/0' },
  // Of a stream that no test terminates: a new run finds its readers running, and looks after them minutes later.
  shard: { by: 'parent', stream: 'device-data' },
  eraseDay: { by: 'parent', parent: { type: 'eraseDevice', script: { args: (id) => [{ deviceId: id, waitMs: 1 }] } } },
  rollupCheckDay: { by: 'parent', parent: { type: 'rollupCheck' } },
  archiveDay: { by: 'schedule', due: 'archive' },
  expireDay: { by: 'schedule', due: 'expire' },
  archiveDue: { by: 'schedule', schedule: 'archive-due' },
  rankCheck: { by: 'schedule', schedule: 'rank-check' },
  reconciliation: { by: 'schedule', schedule: 'reconciliation' },
  driftReport: { by: 'schedule', schedule: 'drift-report' },
  restoreDay: { by: 'nobody', idOf: (name) => archiveWorkflowId(name as Day) },
  redrive: { by: 'nobody', idOf: redriveWorkflowId },
};

it('every workflow type has an entry, of the kind that its rule says', () => {
  const rules = Object.entries<LifecycleRule>(lifecycleRules).map(([type, { restartedBy }]) => [type, restartedBy]);
  expect(
    Object.entries(all)
      .map(([type, { by }]) => [type, by])
      .toSorted(),
  ).toEqual(rules.toSorted());
});

const typesBy = <By extends LifecycleRule['restartedBy']>(by: By) =>
  Object.entries(all).filter(([, entry]) => entry.by === by) as [Type, Extract<Rowed | Unrowed, { by: By }>][];

/** After this many calls of a workflow the others are like them. */
const CALLS = 4;
const pointsOf = (calls: number): Point[] =>
  Array.from({ length: Math.min(calls, CALLS) }, (_, i) => i + 1).flatMap((call): Point[] => [
    { call, when: 'before' },
    { call, when: 'behind' },
  ]);

/** What it is, and of whom, as people say it. */
const READABLE = /^[a-z][a-z-]*(\/[\w.:@-]+)*$/;
/** The run that the reconciler started in place of the one that was terminated. */
async function expectStartedAnew(type: string, workflowId: string): Promise<void> {
  const { memo, type: found, staticSummary } = await handle(workflowId).describe();
  expect([workflowId, memo?.['longwatchRestarts'], found]).toEqual([workflowId, 1, type]);
  expect(workflowId).toMatch(READABLE);
  expect(await staticSummary()).toMatch(/\w/);
}

async function completes(id: string): Promise<void> {
  expect([
    id,
    await eventually(
      () => statusOf(id),
      (now) => now !== 'RUNNING',
    ),
  ]).toEqual([id, 'COMPLETED']);
}

interface Opened {
  name: string;
  point: Point | 'while it waits';
  termination: Termination;
}

/** Opens a lifecycle, and has its workflow terminated at a point. */
async function openTerminated({ open, idOf }: Rowed, name: string, point: Point | 'while it waits'): Promise<Opened> {
  const termination = terminations.at(idOf(name), point === 'while it waits' ? undefined : point);
  await open(name);
  return { name, point, termination };
}

/** Waits for the termination. @returns whether the row was open then. */
async function isOpenBehind({ act, read, idOf }: Rowed, { name, point, termination }: Opened): Promise<boolean> {
  if (point === 'while it waits') {
    const id = await idFrom(idOf(name));
    await isIdle(handle(id));
    termination.terminated = id;
    // A machine that stalls: the time came before the termination, and there is nothing to see.
    if ((await statusOf(id)) === 'COMPLETED') return false;
    await handle(id).terminate('by a test');
  } else await eventually(async () => (await act?.(name), termination.terminated));
  await seen(termination.terminated!, 'Terminated');
  return (await read(name)).isOpen;
}

/** The id of a workflow of which only the beginning is known before it starts. */
async function idFrom(id: string): Promise<string> {
  if (!id.endsWith('*')) return id;
  const query = `WorkflowId STARTS_WITH '${id.slice(0, -1)}'`;
  const find = async () => {
    for await (const { workflowId } of client().workflow.list({ query })) return workflowId;
    return undefined;
  };
  return (await eventually(find))!;
}

/** Nobody terminates it. @returns how many calls it makes. */
async function callsOf({ act, read, open, idOf, end }: Rowed, name: string): Promise<number> {
  const counted = terminations.at(idOf(name));
  await open(name);
  const id = await idFrom(idOf(name));
  await eventually(
    async () => (await act?.(name), statusOf(id)),
    (now) => now === 'COMPLETED',
  );
  expect((await read(name)).row).toEqual(end);
  return counted.calls;
}

it.each(typesBy('row'))('%s: terminated at each wait point, it ends as its row asks for', async (type, entry) => {
  const { act, read, end, isBusy } = entry;
  const word = type.toLowerCase();
  const calls = await callsOf(entry, `whole-${word}`);
  const points = [...(isBusy ? [] : ['while it waits' as const]), ...pointsOf(calls)];
  const opened = await Promise.all(points.map((point, i) => openTerminated(entry, `${word}-${i}`, point)));
  const wereOpen = await Promise.all(opened.map((one) => isOpenBehind(entry, one)));
  await look('quick');
  await Promise.all(
    opened.map(async ({ name, point, termination }, i) => {
      const at = JSON.stringify(point);
      const workflowId = termination.terminated!;
      if (wereOpen[i]) await expectStartedAnew(type, workflowId);
      const ended = await eventually(
        async () => (await act?.(name), statusOf(workflowId)),
        (now) => now !== 'RUNNING',
      );
      // Where the row had ended already, there is nothing to start.
      expect([at, ended]).toEqual([at, wereOpen[i] ? 'COMPLETED' : expect.stringMatching(/^(COMPLETED|TERMINATED)$/)]);
      expect([at, (await read(name)).row]).toEqual([at, end]);
    }),
  );
  // Where nothing has been done yet, the row is open for certain.
  const first = points.findIndex((point) => point !== 'while it waits' && point.call === 1 && point.when === 'before');
  expect(wereOpen[first]).toBe(true);
});

let started = 0;
interface ScriptedStart extends Partial<LifecycleScript> {
  /** Where the workflow, or its child, is terminated. */
  point?: Point;
  startDelay?: '1 hour';
}

/** Starts a workflow whose activities are scripted. */
async function startScripted(type: Type, workflowId: string, { point, startDelay, ...more }: ScriptedStart = {}) {
  const script: LifecycleScript = { ...lifecycleScripts[type], ...more };
  const id = `${type}-${++started}`;
  const children = script.children?.(id) ?? [];
  terminations.script({ script, id, calls: [], granted: {}, onCall: () => undefined }, [workflowId, ...children]);
  const termination = terminations.at(point && children[0] ? children[0] : workflowId, point);
  const args = script.args(id, Date.now());
  const options = { workflowId, taskQueue: script.queue, args, staticSummary: `**${type}** of a test` };
  await client().workflow.start(type, { ...options, ...(startDelay && { startDelay }) });
  return { workflowId, children, termination };
}

const isTerminated = async (termination: Termination): Promise<string> => {
  const id = (await eventually(() => termination.terminated))!;
  await seen(id, 'Terminated');
  return id;
};
const inputOf = async (id: string): Promise<unknown> => {
  const { events } = await handle(id).fetchHistory();
  return events?.[0]?.workflowExecutionStartedEventAttributes?.input;
};

it.each(typesBy('input'))('%s: terminated at each call, it is started again with its input', async (type, { idOf }) => {
  const whole = await startScripted(type, idOf(`whole-${type}`));
  await completes(whole.workflowId);
  // Before its first task.
  const delayed = await startScripted(type, idOf(`${type}-first`), { startDelay: '1 hour' });
  await handle(delayed.workflowId).terminate('by a test');
  delayed.termination.terminated = delayed.workflowId;
  // The calls of a check of rollups are its children's, which their parent starts again.
  const points = whole.children.length > 0 ? [] : pointsOf(whole.termination.calls);
  const others = await Promise.all(points.map((point, i) => startScripted(type, idOf(`${type}-${i}`), { point })));
  const ids = await Promise.all([delayed, ...others].map(({ termination }) => isTerminated(termination)));
  const inputs = await Promise.all(ids.map((id) => inputOf(id)));
  await look('quick');
  for (const [i, id] of ids.entries()) {
    await expectStartedAnew(type, id);
    expect(await inputOf(id)).toEqual(inputs[i]);
    await completes(id);
  }
});

const described = (id: string) => handle(id).describe();
const isRunning = ({ status }: { status: { name: string } }) => status.name === 'RUNNING';

it.each(typesBy('standing'))('%s: terminated, it is started again, and is at work', async (type, { id }) => {
  const { runId } = await eventually(() => described(id), isRunning);
  await handle(id).terminate('by a test');
  await seen(id, 'Terminated');
  await look('quick');
  await expectStartedAnew(type, id);
  const now = await described(id);
  expect([now.runId === runId, now.status.name]).toEqual([false, 'RUNNING']);
  const events = async () => (await handle(id).fetchHistory()).events ?? [];
  await eventually(events, (found) => found.some((event) => event.activityTaskScheduledEventAttributes));
});

it.each(typesBy('parent'))('%s: terminated at each call, it is started again by its parent', async (type, entry) => {
  if ('stream' in entry) {
    const id = await idFrom(`shard/${entry.stream}/*`);
    const { runId } = await eventually(() => described(id), isRunning);
    await handle(id).terminate('by a test');
    const again = await eventually(
      () => described(id),
      (now) => now.runId !== runId && isRunning(now),
    );
    const parent = again.raw.workflowExecutionInfo?.parentExecution?.workflowId;
    return expect([again.type, parent]).toEqual([type, `stream/${entry.stream}`]);
  }
  const { type: parentType, script } = entry.parent;
  const whole = await startScripted(type, archiveWorkflowId(`whole-${type}` as Day));
  await completes(whole.workflowId);
  const points = pointsOf(Math.min(whole.termination.calls, 3));
  const startParent = (point: Point, i: number) =>
    startScripted(parentType, `parent-of/${type}/${i}`, { ...script, point });
  const parents = await Promise.all(points.map(startParent));
  for (const { workflowId, children, termination } of parents) {
    expect(await isTerminated(termination)).toBe(children[0]);
    await completes(workflowId);
    await completes(children[0]!);
  }
});

it.each(typesBy('schedule'))('%s: terminated, its next scheduled run completes', async (type, entry) => {
  if ('schedule' in entry) {
    const schedule = client().schedule.getHandle(entry.schedule);
    const termination = terminations.at(`${entry.schedule}-*`, { call: 1, when: 'behind' });
    await schedule.trigger();
    const id = await isTerminated(termination);
    expect((await look('quick')).restarted).toEqual({});
    expect(await statusOf(id)).toBe('TERMINATED');
    const runs = `WorkflowType = '${type}' AND WorkflowId STARTS_WITH '${entry.schedule}-'`;
    const query = `${runs} AND ExecutionStatus = 'Completed'`;
    const before = (await client().workflow.count(query)).count;
    await schedule.trigger();
    await eventually(
      () => client().workflow.count(query),
      ({ count }) => count > before,
    );
    return expect(id).toMatch(/^[a-z-]+-\d{4}-\d\d-\d\dT/);
  }
  const calls = Object.keys(lifecycleScripts[type].activities).length;
  for (const point of pointsOf(Math.min(calls, 3))) {
    const due = (id: string) => [{ day: id, what: entry.due }];
    // The scan fails for the day and goes on; its next run does the day.
    let id = '';
    const children = (of: string) => ((id = of), [archiveWorkflowId(id as Day)]);
    const { queue: taskQueue, activities: ofDue } = lifecycleScripts.archiveDue;
    const activities = { ...ofDue, ...lifecycleScripts[type].activities, dueDays: () => due(id) };
    const first = await startScripted('archiveDue', `archive-due/${type}-${started}`, {
      point,
      children,
      activities,
    });
    const child = await isTerminated(first.termination);
    await completes(first.workflowId);
    expect((await look('quick')).restarted).toEqual({});
    await client().workflow.start('archiveDue', { workflowId: first.workflowId, taskQueue, args: [] });
    await completes(first.workflowId);
    await completes(child);
  }
});

it.each(typesBy('nobody'))('%s: terminated, it stays so, and can be asked for again', async (type, { idOf }) => {
  const whole = await startScripted(type, idOf(`whole-${type}`));
  await completes(whole.workflowId);
  const points = pointsOf(whole.termination.calls);
  const ended = await Promise.all(points.map((point, i) => startScripted(type, idOf(`${type}-${i}`), { point })));
  const ids = await Promise.all(ended.map(({ termination }) => isTerminated(termination)));
  expect((await look('quick')).restarted).toEqual({});
  for (const [i, id] of ids.entries()) expect([id, await statusOf(id)]).toEqual([ended[i]!.workflowId, 'TERMINATED']);
  await Promise.all(ids.map((id) => startScripted(type, id)));
  await Promise.all(ids.map((id) => completes(id)));
});
