import { isGrpcServiceError } from '@temporalio/client';
import { investigationId } from '../../src/domain/fraud/workflows';
import type { Who } from '../support/graph';
import { payment } from '../support/payment';
import { useReconciledGraph } from '../support/reconciledGraph';
import { eventually } from '../support/stack';

// `workflow reset` rewinds what a workflow knows, and leaves its row as it is.

const env = { LONGWATCH_CHECKOUT_HOLD_MS: '15000', LONGWATCH_CART_REMINDERS: '1s,24h' };
const { graph, ask, handle, statusOf, look, seen, startWorkers } = useReconciledGraph(env);
beforeAll(() => startWorkers(), 60_000);

/** Of `ResetReapplyType`: what the rewound part of a history had received is given to the new run again, or not. */
const REAPPLY = { 'without what it had received': 2, 'with what it had received': 3 } as const;
type Reapply = keyof typeof REAPPLY;

/** Resets a workflow to its first task, or to the one that accepted the last update of a name. */
async function reset(
  workflowId: string,
  reapply: Reapply = 'without what it had received',
  before?: string,
): Promise<void> {
  const { runId } = await handle(workflowId).describe();
  const { events = [] } = (await handle(workflowId).fetchHistory()) as {
    events?: NonNullable<Awaited<ReturnType<ReturnType<typeof handle>['fetchHistory']>>['events']>;
  };
  const accepted = events.findLastIndex(
    ({ workflowExecutionUpdateAcceptedEventAttributes: update }) =>
      before !== undefined && update?.acceptedRequest?.input?.name === before,
  );
  const tasks = events.filter(
    ({ workflowTaskCompletedEventAttributes: task }, i) => task && (before === undefined || i < accepted),
  );
  await graph().temporal.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
    reason: 'by a test',
    workflowTaskFinishEventId: (before === undefined ? tasks[0] : tasks.at(-1))!.eventId!,
    requestId: `reset-${runId}`,
    resetReapplyType: REAPPLY[reapply],
  });
}

interface ReadCase {
  status: string;
  assignee?: string;
  dueAt?: string;
  timeline: { seq: number; kind: string; text: string }[];
}
const read = async (id: string) => (await ask('ana', 'get', `/v1/investigations/${id}`)).body as ReadCase;
const act = (who: Who, id: string, what: string, body: object) =>
  ask(who, 'post', `/v1/investigations/${id}/${what}`, body);

async function waitingCase(merchantId = 'review'): Promise<string> {
  const paid = payment({ merchantId, amount: 500_000 });
  await ask('service', 'post', '/v1/transactions', paid).expect(200);
  await eventually(
    () => read(paid.transactionId),
    ({ status }) => status === 'waiting',
  );
  return paid.transactionId;
}

/** What stood there stands there still, once, and the last entry says that the case goes on. */
async function goesOnAs(id: string, before: ReadCase): Promise<void> {
  const after = await eventually(
    () => read(id),
    ({ timeline }) => timeline.at(-1)?.kind === 'resumed',
  );
  expect(after).toMatchObject({
    status: before.status,
    dueAt: before.dueAt,
    ...(before.assignee && { assignee: before.assignee }),
  });
  expect(after.timeline.slice(0, before.timeline.length)).toEqual(before.timeline);
  expect(after.timeline.slice(before.timeline.length).map(({ kind }) => kind)).toEqual(['resumed']);
  expect(after.timeline.map(({ seq }) => seq)).toEqual(after.timeline.map((_, i) => i + 1));
}

/** Two people decide: whoever has proposed already may not be the second one. */
async function isClosedByTwo(id: string): Promise<void> {
  if ((await read(id)).status === 'proposed')
    await act('ana', id, 'decide', { decision: 'fraud', note: 'again' }).expect(409);
  else await act('ana', id, 'decide', { decision: 'fraud', note: 'anew' }).expect(200);
  await act('ben', id, 'decide', { decision: 'fraud', note: 'second' }).expect(200);
  const { status, timeline } = await read(id);
  expect(status).toBe('closed-fraud');
  expect(timeline.filter(({ kind }) => kind === 'proposed')).toHaveLength(1);
  expect(timeline.filter(({ kind }) => kind === 'closed')).toHaveLength(1);
  expect((await ask('service', 'get', `/v1/transactions/${id}`)).body).toMatchObject({ label: 'fraud', hold: 'final' });
  expect(
    await eventually(
      () => statusOf(investigationId(id)),
      (now) => now !== 'RUNNING',
    ),
  ).toBe('COMPLETED');
}

const moments: Record<string, (id: string) => Promise<void>> = {
  'while it waits': async () => undefined,
  'after a note': async (id) => void (await act('ana', id, 'note', { text: 'seen' }).expect(200)),
  'after a proposal for four eyes': async (id) => {
    await act('ana', id, 'assign', { assignee: 'ana' }).expect(200);
    await act('ana', id, 'decide', { decision: 'fraud' }).expect(200);
  },
  'after it was cancelled': async (id) => {
    await handle(investigationId(id)).cancel();
    await eventually(
      () => read(id),
      ({ timeline }) => timeline.at(-1)?.kind === 'cancellation',
    );
  },
};

describe.each(Object.keys(REAPPLY) as Reapply[])('a case that is reset to its first task, %s', (reapply) => {
  it.each(Object.keys(moments))('%s, goes on from its record', async (moment) => {
    const id = await waitingCase(moment.includes('note') ? 'block' : 'review');
    await moments[moment]!(id);
    const before = await read(id);
    await reset(investigationId(id), reapply);
    await goesOnAs(id, before);
    await isClosedByTwo(id);
  });
});

describe('a case that is reset to before a proposal, where it waits and has nothing to write', () => {
  async function rewound(): Promise<{ id: string; before: ReadCase }> {
    const id = await waitingCase();
    await moments['after a proposal for four eyes']!(id);
    const before = await read(id);
    await reset(investigationId(id), 'without what it had received', 'decide');
    return { id, before };
  }

  it('refuses what was asked of it while its record is ahead, and takes it once it has read the record', async () => {
    const { id, before } = await rewound();
    const { body } = await act('ben', id, 'decide', { decision: 'fraud' }).expect(409);
    expect(body.detail).toContain('reset');
    await goesOnAs(id, before);
    await isClosedByTwo(id);
  });

  it('is replaced by the next look of the reconciler', async () => {
    const { id, before } = await rewound();
    await seen(investigationId(id), 'Terminated');
    // This look starts the standing reconciler, which may be the faster one.
    await look('quick');
    await goesOnAs(id, before);
    expect((await look('quick')).restarted).toEqual({});
    const { values } = await graph().metrics.registry.getSingleMetric('longwatch_reconciler_restarts_total')!.get();
    expect(
      values.filter(({ labels }) => labels['workflow_type'] === 'investigation').map(({ value }) => value),
    ).toEqual([1]);
    const { searchAttributes } = await handle(investigationId(id)).describe();
    expect(searchAttributes).toMatchObject({
      LongwatchStatus: ['proposed'],
      LongwatchAssignee: ['ana'],
      LongwatchDueAt: [new Date(before.dueAt!)],
    });
    await isClosedByTwo(id);
  });
});

it('a closed case that is reset to its first task ends again, and is closed once', async () => {
  const id = await waitingCase();
  await isClosedByTwo(id);
  const before = await read(id);
  await reset(investigationId(id));
  expect(await handle(investigationId(id)).result()).toMatchObject({ label: 'fraud' });
  expect(await read(id)).toEqual(before);
});

/** The workflow waits for time. A start that this process could not dispatch at once is the relay's, seconds later. */
const isWaiting = (id: string) =>
  eventually(async () => {
    const { events = [] } = await handle(id).fetchHistory().catch(orNotStarted);
    return events?.some(({ timerStartedEventAttributes: timer }) => timer);
  });
const NOT_FOUND = 5; // gRPC.
function orNotStarted(error: unknown): { events?: [] } {
  if (isGrpcServiceError(error) && error.code === NOT_FOUND) return {};
  throw error;
}
/** The new run has done a step. */
async function isAtWork(id: string, before: string): Promise<void> {
  await eventually(async () => (await handle(id).describe()).runId !== before);
  await eventually(async () =>
    (await handle(id).fetchHistory()).events!.some(({ activityTaskCompletedEventAttributes: done }) => done),
  );
}

it('a cart that is reset reads its row: who was reminded is not reminded again', async () => {
  await ask('admin', 'put', '/v1/products/pen', { title: 'Pen', price: 100, currency: 'EUR', stockOnHand: 10 }).expect(
    200,
  );
  await ask('service', 'put', '/v1/carts/gil/items/pen', { quantity: 1 });
  const id = 'cart/gil/1';
  await isWaiting(id);
  const reminders = async () => (await ask('admin', 'get', '/v1/notifications?recipient=gil')).body.items as object[];
  const [{ body: before }, told] = [await ask('service', 'get', '/v1/carts/gil'), await reminders()];
  const { runId } = await handle(id).describe();
  await reset(id);
  await isAtWork(id, runId);
  await isWaiting(id);
  expect((await ask('service', 'get', '/v1/carts/gil')).body).toEqual(before);
  expect(await reminders()).toEqual(told);
});

it('a checkout that is reset reads its row: its stock is held once, and given back once', async () => {
  await ask('admin', 'put', '/v1/products/cup', { title: 'Cup', price: 100, currency: 'EUR', stockOnHand: 10 }).expect(
    200,
  );
  const stock = async () => (await ask('service', 'get', '/v1/products/cup')).body as object;
  const free = await stock();
  await ask('service', 'put', '/v1/carts/hal/items/cup', { quantity: 4 });
  const { body: checkout } = await ask('service', 'post', '/v1/carts/hal/checkout', {});
  const held = await stock();
  const id = `checkout/${checkout.checkoutId}`;
  await isWaiting(id);
  await reset(id);
  expect(await stock()).toEqual(held);
  expect(await handle(id).result()).toEqual({ status: 'expired' });
  expect((await ask('service', 'get', `/v1/checkouts/${checkout.checkoutId}`)).body.status).toBe('expired');
  expect(await stock()).toEqual(free);
  await reset(id);
  expect(await handle(id).result()).toEqual({ status: 'expired' });
  expect(await stock()).toEqual(free);
});

it('a season that is reset, open and final, ends once at its instant', async () => {
  const endsAt = new Date(Date.now() + 20_000).toISOString();
  await ask('admin', 'put', '/v1/boards/chess', { operator: 'best', seasons: { endsAt, graceSeconds: 0 } }).expect(201);
  const id = 'season/chess/1';
  await eventually(
    () => statusOf(id).catch(() => 'NONE'),
    (status) => status === 'RUNNING',
  );
  await isWaiting(id);
  const season = async () =>
    (
      (await ask('service', 'get', '/v1/boards/chess/seasons')).body.items as {
        number: number;
        status: string;
        endsAt: string;
      }[]
    ).find(({ number }) => number === 1);
  await reset(id);
  expect(await season()).toMatchObject({ status: 'open', endsAt });
  const result = await handle(id).result();
  expect(await season()).toMatchObject({ status: 'final', endsAt });
  await reset(id);
  expect(await handle(id).result()).toEqual(result);
  expect(await season()).toMatchObject({ status: 'final', endsAt });
});
