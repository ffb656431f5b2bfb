import { DefaultLogger, Runtime } from '@temporalio/worker';
import request from 'supertest';
import { merchantTotals } from '../../src/domain/fraud/merchantProfile';
import { MerchantStore } from '../../src/stores/fraud/merchants';
import { investigationId, TRANSACTION_HISTORY_STREAM } from '../../src/domain/fraud/workflows';
import { RELAY_ID, streamWorkflowId } from '../../src/domain/platform/workflows';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { record } from '../support/histories';
import { payment, sharpRise } from '../support/payment';
import { eventually } from '../support/stack';
import { startTcpProxy, type TcpProxy } from '../support/tcpProxy';
import { startTestTemporal, type TestTemporal } from '../support/temporal';
import { startTestWorkers } from '../support/workers';

let temporal: TestTemporal;
/** Between the graph and Temporal; the workers have a connection of their own. */
let wire: TcpProxy;
let graph: TestGraph;
let workers: Awaited<ReturnType<typeof startTestWorkers>>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  temporal = await startTestTemporal();
  wire = await startTcpProxy(Number(temporal.address.split(':')[1]));
  // Attempts are short, so that histories show several.
  graph = await startTestGraph({ LONGWATCH_RESCORE_AFTER_MS: '1' }, wire.address, { attemptMs: 500 });
  workers = await startTestWorkers(graph, temporal.address);
  await graph.startStandingWorkflows();
}, 900_000);
afterAll(async () => {
  await workers?.stop();
  await graph?.stop();
  await wire?.close();
  await temporal?.stop();
});

const post = (body: object) =>
  request(graph.app)
    .post('/v1/transactions')
    .set(...bearer('service'))
    .send(body);
const caseOf = (id: string) =>
  request(graph.app)
    .get(`/v1/investigations/${id}`)
    .set(...bearer('ana'));
const { merchantId: _, ...anywhere } = payment();

it('starts what every worker starts, once', async () => {
  await graph.startStandingWorkflows();
  await graph.startStandingWorkflows();
  for (const id of [RELAY_ID, streamWorkflowId(TRANSACTION_HISTORY_STREAM)])
    expect((await graph.temporal.client.workflow.getHandle(id).describe()).status.name).toBe('RUNNING');
});

it('Temporal away: what is owed meanwhile starts when it is back, one case each', async () => {
  wire.cut();
  const owed = Array.from({ length: 5 }, () => payment({ amount: 900_000 }));
  for (const body of owed)
    expect((await post(body)).body).toMatchObject({ outcome: expect.stringMatching(/review|block/) });
  for (const { transactionId } of owed)
    expect((await caseOf(transactionId)).body).toMatchObject({ status: 'scoring', timeline: [] });
  wire.mend();
  for (const { transactionId } of owed) {
    const { body } = await eventually(
      () => caseOf(transactionId),
      ({ body: found }) => found.timeline.length > 0,
    );
    expect(body.timeline[0].kind).toBe('opened');
    expect(
      (await graph.temporal.client.workflow.getHandle(investigationId(transactionId)).describe()).status.name,
    ).toBe('RUNNING');
  }
});

it('the model away: what was approved without it is scored again, and what scores worse becomes a case', async () => {
  const { usual, sharp } = sharpRise();
  for (const one of usual) await post(one);
  graph.model.behaviour = { status: 503 };
  const approved: string[] = [];
  for (const one of sharp) {
    const { body } = await post(one);
    expect(body.mode).toBe('degraded');
    if (body.outcome === 'approve') approved.push(body.transactionId);
  }
  graph.model.behaviour = undefined;
  const read = async (id: string) =>
    (
      await request(graph.app)
        .get(`/v1/transactions/${id}`)
        .set(...bearer('service'))
    ).body;
  const found = await Promise.all(
    approved.map((id) =>
      eventually(
        () => read(id),
        ({ rescored }) => rescored,
      ),
    ),
  );
  const worse = found.filter(({ rescored }) => rescored.outcome !== 'approve');
  expect(worse.length).toBeGreaterThan(0);
  for (const { decision } of worse)
    await eventually(
      () => caseOf(decision.transactionId),
      ({ body }) => body.timeline?.length > 0,
    );
});

it('counts what merchants sold, from the table’s stream', async () => {
  const merchantId = `merchant-of-${payment().transactionId}`;
  for (let i = 0; i < 7; i++) expect((await post({ ...anywhere, ...payment(), merchantId })).status).toBe(200);
  const store = new MerchantStore(graph.dynamodb.db);
  const count = async () =>
    merchantTotals((await store.read([merchantId])).get(merchantId)!.profile, Date.now(), 1, 0).count;
  expect(await eventually(count, (found) => found >= 7)).toBe(7);
});

it('goes on from history', async () => {
  const { workflow } = graph.temporal.client;
  const shards = (
    await eventually(
      () => workflow.getHandle(streamWorkflowId(TRANSACTION_HISTORY_STREAM)).fetchHistory(),
      ({ events }) => (events ?? []).some(({ childWorkflowExecutionStartedEventAttributes: started }) => started),
    )
  ).events!.flatMap(
    ({ childWorkflowExecutionStartedEventAttributes: started }) => started?.workflowExecution?.workflowId ?? [],
  );
  expect(shards).toHaveLength(1);
  // Several attempts each.
  for (const [type, id] of [
    ['relay', RELAY_ID],
    ['stream', streamWorkflowId(TRANSACTION_HISTORY_STREAM)],
    ['shard', shards[0]!],
  ] as const) {
    if (type !== 'stream')
      await eventually(
        () => workflow.getHandle(id).fetchHistory(),
        ({ events }) => (events ?? []).filter(({ activityTaskCompletedEventAttributes: done }) => done).length >= 3,
      );
    const { events } = await record(type, 'running', workflow.getHandle(id));
    // Not one task failed.
    expect(events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
  }
});
