import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { dynamoDBClient, openDb } from '../../src/stores/dynamodb';
import { ReconciliationReportStore } from '../../src/stores/platform/reconciliationReports';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { investigationId } from '../../src/domain/fraud/workflows';
import { record } from '../support/histories';
import { payment } from '../support/payment';
import { useReconciledGraph } from '../support/reconciledGraph';
import { eventually } from '../support/stack';
import { everything } from '../../src/graph/capabilities';

const HOUR = 3_600_000;
const { graph, ask, handle, statusOf, look, seen, terminate, startWorkers } = useReconciledGraph({
  LONGWATCH_RECONCILE_EVERY_MS: '1000',
  LONGWATCH_FEED_THRESHOLD: '1',
  LONGWATCH_DEVICE_CACHE_MS: '1000',
  LONGWATCH_ERASE_AFTER_MS: '1500',
  LONGWATCH_CHECKOUT_HOLD_MS: '30000',
});
const db = () =>
  openDb(
    dynamoDBClient({ region: 'eu-central-1', endpoint: graph().dynamodb.endpoint, credentials: LOCAL_CREDENTIALS }),
    'test-',
    everything.tables,
  );

it('every lifecycle of every capability, terminated before it did anything, is started again and ends', async () => {
  // No worker runs, so that nothing ends before it is terminated.
  const of = payment({ merchantId: 'review' });
  await ask('service', 'post', '/v1/transactions', of).expect(200);
  await ask('admin', 'put', '/v1/products/book', {
    title: 'Seneca',
    price: 100,
    currency: 'EUR',
    stockOnHand: 10,
  }).expect(200);
  await ask('service', 'put', '/v1/carts/ada/items/book', { quantity: 2 });
  await ask('service', 'put', '/v1/carts/eva/items/book', { quantity: 1 });
  const { body: checkout } = await ask('service', 'post', '/v1/carts/ada/checkout', {});
  await ask('admin', 'put', '/v1/boards/snake', {
    operator: 'best',
    seasons: { endsAt: new Date(Date.now() + 45_000).toISOString(), graceSeconds: 0 },
  }).expect(201);
  for (const user of ['ada', 'ben', 'cyd']) await ask('service', 'put', `/v1/users/${user}`, { name: user });
  await ask('service', 'put', '/v1/users/ben/following/ada').expect((answer) =>
    expect(answer.status).toBeLessThan(300),
  );
  await ask('service', 'post', '/v1/posts', { authorId: 'ada', postId: 'p1', text: 'Hello' }).expect(201);
  await ask('service', 'post', '/v1/posts', { authorId: 'ada', postId: 'p2', text: 'Gone' }).expect(201);
  await ask('service', 'delete', '/v1/posts/p2').expect(204);
  await ask('service', 'put', '/v1/users/cyd/following/ada');
  const { body: erasure } = await ask('admin', 'delete', '/v1/devices/old').expect(202);
  const ended = [
    'fan-out/p1',
    'retract/p2',
    'relation/ben/ada/1',
    'turn/ada/1',
    erasure.workflowId as string,
    'season/snake/1',
  ];
  const all = [
    investigationId(of.transactionId),
    'cart/ada/1',
    'cart/eva/1',
    `checkout/${checkout.checkoutId}`,
    ...ended,
  ];
  for (const id of all) await terminate(id);

  await graph().startStandingWorkflows();
  const standing = ['relay', 'reconciler', 'silence', 'stream/leaderboard', 'session-expiry/0'];
  for (const id of standing) await terminate(id);
  await startWorkers();

  // The reconciler is started again, too, and may be faster than the look that was asked for.
  await look('quick');
  const restarts = async () =>
    Object.fromEntries(
      (await graph().metrics.registry.getSingleMetric('longwatch_reconciler_restarts_total')!.get()).values.map(
        ({ labels, value }) => [labels['workflow_type'], value],
      ),
    );
  expect(
    await eventually(restarts, ({ investigation, reconciler }) => investigation === 1 && reconciler === 1),
  ).toMatchObject({
    investigation: 1,
    cart: 2,
    checkout: 1,
    season: 1,
    fanOut: 1,
    retract: 1,
    relation: 1,
    turn: 1,
    eraseDevice: 1,
    relay: 1,
    reconciler: 1,
    silence: 1,
    stream: 1,
    sessionExpiry: 1,
  });
  for (const id of [...all, ...standing])
    expect([id, await statusOf(id)]).toEqual([id, expect.stringMatching(/^(RUNNING|COMPLETED)$/)]);
  await eventually(
    async () => (await ask('ana', 'get', `/v1/investigations/${of.transactionId}`)).body.status,
    (status) => status === 'waiting',
  );
  await ask('ana', 'post', `/v1/investigations/${of.transactionId}/decide`, { decision: 'genuine' }).expect(200);
  await ask('service', 'delete', '/v1/carts/eva').expect(204);
  for (const id of ended)
    expect([
      id,
      await eventually(
        () => statusOf(id),
        (status) => status === 'COMPLETED',
      ),
    ]).toEqual([id, 'COMPLETED']);
  expect(
    (await ask('service', 'get', '/v1/users/ben/feed')).body.items.map(({ postId }: { postId: string }) => postId),
  ).toEqual(['p1']);
  const { body: seasons } = await ask('service', 'get', '/v1/boards/snake/seasons');
  expect(seasons.items.find(({ number }: { number: number }) => number === 1)).toMatchObject({ status: 'final' });
  await eventually(
    async () => (await ask('service', 'get', `/v1/checkouts/${checkout.checkoutId}`)).body.status,
    (status) => status === 'expired',
  );
  // A second look finds nothing to do.
  const { restarted } = await look('quick');
  expect(restarted).toEqual({});
  await record('reconciliation', 'quick', handle('reconciliation/quick'));
});

describe('a case whose workflow is terminated', () => {
  beforeAll(() => startWorkers(), 60_000);
  /** Assigned to ana, who proposed fraud; it takes a second person. */
  async function proposedCase(merchantId = 'review'): Promise<string> {
    const { transactionId } = payment({ merchantId, amount: 500_000 });
    await ask('service', 'post', '/v1/transactions', payment({ merchantId, amount: 500_000, transactionId })).expect(
      200,
    );
    const status = async () => (await ask('ana', 'get', `/v1/investigations/${transactionId}`)).body.status as string;
    await eventually(status, (now) => now === 'waiting');
    await ask('ana', 'post', `/v1/investigations/${transactionId}/assign`, { assignee: 'ana' }).expect(200);
    await ask('ana', 'post', `/v1/investigations/${transactionId}/decide`, { decision: 'fraud' }).expect(200);
    return transactionId;
  }
  const read = async (id: string) =>
    (await ask('ana', 'get', `/v1/investigations/${id}`)).body as {
      status: string;
      assignee?: string;
      dueAt?: string;
      timeline: { kind: string }[];
    };

  it.each(['the state in its row', 'an old row, which has none'])(
    'goes on with its proposal, its assignee and its deadlines: %s',
    async (how) => {
      const id = await proposedCase();
      const before = await read(id);
      await terminate(investigationId(id));
      if (how.startsWith('an old'))
        await db().client.send(
          new DeleteCommand({ TableName: 'test-Investigations', Key: { TransactionID: id, Entry: 'state' } }),
        );
      await ask('ben', 'post', `/v1/investigations/${id}/decide`, { decision: 'fraud' }).expect(409);
      await look('quick');
      await eventually(
        () => read(id),
        ({ timeline }) => timeline.at(-1)?.kind === 'resumed',
      );
      expect(await read(id)).toMatchObject({ status: 'proposed', assignee: 'ana', dueAt: before.dueAt });
      // Her proposal stands: it takes another person.
      await ask('ana', 'post', `/v1/investigations/${id}/decide`, { decision: 'fraud', note: 'again' }).expect(409);
      await ask('ben', 'post', `/v1/investigations/${id}/decide`, { decision: 'fraud', note: 'two' }).expect(200);
      expect(await read(id)).toMatchObject({ status: 'closed-fraud' });
      expect((await ask('service', 'get', `/v1/transactions/${id}`)).body).toMatchObject({
        label: 'fraud',
        hold: 'final',
      });
    },
  );

  it('that was deleted from Temporal altogether is found by its open row', async () => {
    const id = await proposedCase('block');
    await graph().temporal.client.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: investigationId(id) },
    });
    // A server that is asked to delete a running workflow terminates it first.
    await eventually(
      () => read(id),
      ({ timeline }) => timeline.at(-1)?.kind === 'resumed',
    );
    await ask('ben', 'post', `/v1/investigations/${id}/decide`, { decision: 'fraud' }).expect(200);
    expect(await read(id)).toMatchObject({ status: 'closed-fraud' });
  });

  it('that was closed and is running again, because somebody reset it, is terminated with the reason', async () => {
    const id = await proposedCase();
    await ask('ben', 'post', `/v1/investigations/${id}/decide`, { decision: 'fraud' }).expect(200);
    await handle(investigationId(id)).result();
    const { runId } = await handle(investigationId(id)).describe();
    const { events } = await handle(investigationId(id)).fetchHistory();
    // Where it waited for a second person: behind the last of its writes there, so that it does not find out by itself.
    const decided = events!.findLastIndex(
      ({ workflowExecutionUpdateAcceptedEventAttributes: update }) => update?.acceptedRequest?.input?.name === 'decide',
    );
    const waited = events!.findLast(({ workflowTaskCompletedEventAttributes: task }, i) => task && i < decided)!;
    await graph().temporal.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: investigationId(id), runId },
      reason: 'by a test',
      workflowTaskFinishEventId: waited.eventId!,
      requestId: `reset-${id}`,
      resetReapplyType: 2,
    });
    await seen(investigationId(id), 'Running');
    // Nobody is terminated who may be about to end.
    expect((await look('full')).terminated).toBe(0);
    expect(await statusOf(investigationId(id))).toBe('RUNNING');
    await db().client.send(
      new UpdateCommand({
        TableName: 'test-Investigations',
        Key: { TransactionID: id, Entry: 'case' },
        UpdateExpression: 'SET ClosedAt = :at',
        ExpressionAttributeValues: { ':at': Date.now() - 2 * HOUR },
      }),
    );
    expect((await look('full')).terminated).toBe(1);
    await look('quick');
    // The quick look makes sure that the customer was told, and nothing else.
    expect(
      await eventually(
        () => statusOf(investigationId(id)),
        (status) => status !== 'RUNNING',
      ),
    ).toMatch(/TERMINATED|COMPLETED/);
    expect(await read(id)).toMatchObject({ status: 'closed-fraud' });
    expect((await read(id)).timeline.filter(({ kind }) => kind === 'closed')).toHaveLength(1);
    await record('reconciliation', 'full', handle('reconciliation/full'));
  });
});

it('a cart whose row is open and whose workflow Temporal no longer knows is started by a quick look', async () => {
  await ask('service', 'put', '/v1/carts/fay/items/book', { quantity: 1 });
  const runId = async () =>
    (
      await handle('cart/fay/1')
        .describe()
        .catch(() => undefined)
    )?.runId;
  const before = await eventually(runId);
  const workflowExecution = { workflowId: 'cart/fay/1' };
  await graph().temporal.client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
  // By the standing reconciler, which makes quick looks alone.
  expect(await eventually(runId, (now) => now !== undefined && now !== before)).not.toBe(before);
  expect(await statusOf('cart/fay/1')).toBe('RUNNING');
  await record('reconciler', 'looks', handle('reconciler'));
});

it('a look that was asked for tells what it did, whichever look ends after it', async () => {
  const done = await look('full');
  await new ReconciliationReportStore(db()).write('full', {
    checked: 7,
    restarted: {},
    terminated: 0,
    postponed: 0,
    startedAt: Date.now(),
    finishedAt: Date.now(),
  });
  const { body } = await ask('admin', 'get', '/v1/reconciliations/full').expect(200);
  expect(body.asked).toEqual(done);
  expect(body.lastLook.checked).toBe(7);
});

it('only an administrator may ask for a look', async () => {
  await ask('eva', 'post', '/v1/reconciliations', { mode: 'full' }).expect(403);
  await ask('admin', 'post', '/v1/reconciliations', { mode: 'slow' }).expect(400);
});
