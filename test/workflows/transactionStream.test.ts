import { DefaultLogger, Runtime } from '@temporalio/worker';
import request from 'supertest';
import { DeadLetterStore } from '../../src/stores/platform/deadLetters';
import { DecisionStore } from '../../src/stores/fraud/decisions';
import { DRIFT_REPORT_ID, DRIFT_REPORT_TYPE, TRANSACTIONS_STREAM } from '../../src/domain/fraud/workflows';
import { REDRIVE_TYPE, SHARD_TYPE, STREAM_TYPE, streamWorkflowId } from '../../src/domain/platform/workflows';
import { bearer, startTestGraph, type TestGraph, type Who } from '../support/graph';
import { billableActions, record } from '../support/histories';
import { startTestKinesis, type TestKinesis } from '../support/kinesis';
import { merchantDecides } from '../support/merchantRules';
import { payment, type Payment } from '../support/payment';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';
import { startTestWorkers } from '../support/workers';

let temporal: TestTemporal;
let kinesis: TestKinesis;
let graph: TestGraph;
let workers: Awaited<ReturnType<typeof startTestWorkers>>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  [temporal, kinesis] = await Promise.all([startTestTemporal(), startTestKinesis(1)]);
  // Attempts are short, so that histories show several.
  graph = await startTestGraph(
    {
      LONGWATCH_CAPABILITIES: 'fraud',
      ...kinesis.environment,
      LONGWATCH_STREAM_MODEL_DEADLINE_MS: '20000',
      LONGWATCH_DRIFT_MIN_DECISIONS: '500',
    },
    temporal.address,
    { attemptMs: 1_000 },
  );
  workers = await startTestWorkers(graph, temporal.address);
  await merchantDecides(graph.app);
  await graph.startStandingWorkflows();
}, 900_000);
afterAll(async () => {
  await workers?.stop();
  await graph?.stop();
  await kinesis?.stop();
  await temporal?.stop();
});

const get = (path: string, who: Who = 'eva') =>
  request(graph.app)
    .get(path)
    .set(...bearer(who));
const post = (path: string, body: object = {}, who: Who = 'eva') =>
  request(graph.app)
    .post(path)
    .set(...bearer(who))
    .send(body);
const put = (bodies: readonly Payment[]) =>
  kinesis.put(bodies.map((body) => ({ key: String(body['userId']), data: JSON.stringify(body) })));
const decided = async (bodies: readonly Payment[]) => {
  const store = new DecisionStore(graph.dynamodb.db);
  const ids = bodies.map(({ transactionId }) => transactionId);
  return eventually(
    () => store.findAll(ids),
    (found) => found.length === ids.length,
  );
};
const workflow = () => graph.temporal.client.workflow;
const running = async (type: string) => {
  const ids: string[] = [];
  for await (const { workflowId } of workflow().list({
    query: `WorkflowType = "${type}" AND ExecutionStatus = "Running"`,
  }))
    ids.push(workflowId);
  return ids.filter((id) => type !== SHARD_TYPE || id.includes(`/${TRANSACTIONS_STREAM}/`));
};

it('reads a shard: what is approved costs no action, only what is not becomes a case', async () => {
  const [shard] = await eventually(
    () => running(SHARD_TYPE),
    ({ length }) => length === 1,
  );
  const approved = Array.from({ length: 400 }, () => payment({ merchantId: 'approve' }));
  const reviewed = Array.from({ length: 3 }, () => payment({ merchantId: 'review' }));
  await put([...approved, ...reviewed]);
  const found = await decided([...approved, ...reviewed]);
  expect(found.filter(({ decision }) => decision.outcome === 'approve')).toHaveLength(400);
  const cases = await eventually(
    () => running('investigation'),
    ({ length }) => length >= 3,
  );
  expect(cases.sort()).toEqual(reviewed.map(({ transactionId }) => `investigation/${transactionId}`).sort());
  // A start, and an attempt a second here; in production four an hour.
  const { events } = await workflow().getHandle(shard!).fetchHistory();
  const attempts = events!.filter(({ activityTaskScheduledEventAttributes: scheduled }) => scheduled).length;
  expect(billableActions({ events: events! })).toBe(1 + attempts);
});

it('says in the Web UI what it did, and in the metrics', async () => {
  const [shard] = await running(SHARD_TYPE);
  const details = await eventually(
    async () => JSON.stringify(await workflow().getHandle(shard!).query('__temporal_workflow_metadata')),
    (text) => text.includes('| approve | 400 |'),
  );
  expect(details).toContain('**403** records in this run');
  expect(details).toContain('| review | 3 |');
  // Between two attempts nobody reads the shard, and nobody tells its lag.
  const metrics = await eventually(
    async () => (await request(graph.app).get('/metrics')).text,
    (text) => text.includes('longwatch_stream_lag_seconds{stream="transactions"'),
  );
  expect(metrics).toMatch(/^longwatch_stream_records_total\{stream="transactions",result="approve"\} 400$/m);
  expect(metrics).toMatch(/^longwatch_stream_batch_records_count\{stream="transactions"\} [1-9]/m);
});

it('goes on when shards are split and merged under load, parents before children', async () => {
  const users = Array.from({ length: 20 }, (_, i) => `resharded-${i}`);
  const all: Payment[] = [];
  for (const how of ['split', 'split', 'merge'] as const) {
    const piece = users.flatMap((userId) => [1, 2, 3].map(() => payment({ userId, merchantId: 'approve' })));
    all.push(...piece);
    await put(piece.slice(0, 40));
    await kinesis.reshard(how);
    await put(piece.slice(40));
  }
  await decided(all);
  await eventually(
    () => running(SHARD_TYPE),
    ({ length }) => length === 2,
  );
  const one = { ...payment({ userId: users[0]! }), timestamp: 0 };
  const [inputs] = await new DecisionStore(graph.dynamodb.db).inputsOf([one as never]);
  expect(inputs!.user.profile.count).toBe(9);
});

it('dead letters are listed, re-driven one by one and in bulk, and discarded', async () => {
  // Records that an earlier release could not read, though they are good; and some that are bad for ever.
  const good = Array.from({ length: 60 }, () => payment({ merchantId: 'approve' }));
  const letters = new DeadLetterStore(graph.dynamodb.db);
  const letter = (position: number, content: string) => ({
    source: TRANSACTIONS_STREAM,
    shardId: 'shardId-000000000000@1',
    position: String(position),
    reason: 'is of a new kind',
    record: Buffer.from(content),
    arrivedAt: Date.now(),
    at: Date.now(),
  });
  await letters.keep([
    ...good.map((body, i) => letter(1000 + i, JSON.stringify(body))),
    letter(2000, '{"bad"'),
    letter(2001, '[1]'),
    { ...letter(2002, 'x'.repeat(400_000)) },
  ]);

  await get('/v1/dead-letters', 'ana').expect(403);
  const ids: string[] = [];
  for (let cursor: string | undefined; ;) {
    const { body } = await get(
      `/v1/dead-letters?source=transactions&limit=50${cursor ? `&cursor=${cursor}` : ''}`,
    ).expect(200);
    ids.push(...body.items.map(({ id }: { id: string }) => id));
    if ((cursor = body.cursor) === undefined) break;
  }
  expect(ids).toHaveLength(63);
  expect((await get('/v1/dead-letters?limit=100').expect(200)).body.items).toHaveLength(63);
  expect((await get(`/v1/dead-letters/${ids[0]}`).expect(200)).body).toMatchObject({
    reason: 'is of a new kind',
    record: JSON.stringify(good[0]),
    encoding: 'utf-8',
    position: '1000',
  });

  expect((await post(`/v1/dead-letters/${ids[0]}/redrive`).expect(200)).body).toEqual({
    id: ids[0],
    status: 'redriven',
  });
  expect((await decided(good.slice(0, 1)))[0]!.decision.outcome).toBe('approve');
  await post(`/v1/dead-letters/${ids[0]}/redrive`).expect(404);
  expect((await post(`/v1/dead-letters/${ids[60]}/redrive`).expect(409)).body.detail).toContain('is not JSON in UTF-8');
  expect((await post(`/v1/dead-letters/${ids[62]}/redrive`).expect(409)).body.detail).toContain(
    'because it was too large',
  );

  expect((await post('/v1/dead-letters/redrive', { source: 'nothing' }).expect(409)).body.detail).toContain(
    'transactions',
  );
  const { body } = await post('/v1/dead-letters/redrive', { source: 'transactions' }).expect(202);
  expect(body).toEqual({ workflowId: 'redrive/transactions' });
  expect(await workflow().getHandle('redrive/transactions').result()).toEqual({ redriven: 59, left: 3 });
  await decided(good);
  const rest = (await get('/v1/dead-letters').expect(200)).body.items as { id: string }[];
  expect(rest.map(({ id }) => id)).toEqual(ids.slice(60));
  for (const { id } of rest)
    await request(graph.app)
      .delete(`/v1/dead-letters/${id}`)
      .set(...bearer('eva'))
      .expect(204);
  expect((await get('/v1/dead-letters')).body.items).toEqual([]);
  await request(graph.app)
    .delete(`/v1/dead-letters/${ids[62]}`)
    .set(...bearer('eva'))
    .expect(404);
  await record(REDRIVE_TYPE, 'done', workflow().getHandle('redrive/transactions'));
});

it('a scheduled report tells the supervisors that payments no longer look as in training', async () => {
  await graph.flush();
  const { body } = await get('/v1/drift?days=1', 'ana').expect(200);
  const [model] = body.models;
  expect(model).toMatchObject({
    rows: expect.any(Number),
    drifts: expect.arrayContaining([{ name: 'score', psi: expect.any(Number), status: expect.any(String) }]),
  });
  expect(model.rows).toBeGreaterThan(600);
  // All are of one amount, which no baseline has.
  expect(model.drifts.find(({ name }: { name: string }) => name === 'amount').status).toBe('shifted');
  expect((await request(graph.app).get('/metrics')).text).toMatch(
    /^longwatch_fraud_drift_index\{model="fraud-[0-9a-f]+",feature="amount"\} [1-9]/m,
  );

  await graph.startStandingWorkflows(); // The schedule is there already.
  const schedule = graph.temporal.client.schedule.getHandle(DRIFT_REPORT_ID);
  expect((await schedule.describe()).spec.calendars).toHaveLength(1);
  await schedule.trigger();
  const { info } = await eventually(
    () => schedule.describe(),
    ({ info: { recentActions } }) => recentActions.length > 0,
  );
  const { workflowId } = info.recentActions[0]!.action.workflow;
  const found = (await workflow().getHandle(workflowId).result()) as { notice: { id: string } };
  const { body: sent } = await get('/v1/notifications?recipient=team/supervisors&limit=200').expect(200);
  expect(sent.items.find(({ id }: { id: string }) => id === found.notice.id)).toMatchObject({
    status: 'delivered',
    text: expect.stringContaining('amount:'),
  });
  await record(DRIFT_REPORT_TYPE, 'shifted', workflow().getHandle(workflowId));
});

it('goes on from history', async () => {
  const { events } = await record(
    STREAM_TYPE,
    'resharded-every-end-heeded',
    workflow().getHandle(streamWorkflowId(TRANSACTIONS_STREAM)),
  );
  expect(events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
  const children = events!.flatMap(
    ({ childWorkflowExecutionStartedEventAttributes: started }) => started?.workflowExecution?.workflowId ?? [],
  );
  // One, split in two, one of them in two, two of the three merged.
  expect(children).toHaveLength(6);
  await record(SHARD_TYPE, 'transactions-ended', workflow().getHandle(children[0]!));
});
