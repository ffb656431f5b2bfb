import request from 'supertest';
import { OutboxStore } from '../../../src/stores/platform/outbox';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';
import { dueEntries } from '../../support/outbox';
import { eventually } from '../../support/stack';

/** Temporal does not answer, so outbox entries stay where they are. */
let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph();
});
afterAll(() => graph.stop());

const send = (method: 'put' | 'post', path: string, body: object, requestId = 'r-0') =>
  request(graph.app)
    [method](path)
    .set(...bearer('service'))
    .set('x-request-id', requestId)
    .send(body);
const exported = async () => (await request(graph.app).get('/metrics')).text;
const sample = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1],
  );

it('the metrics count due outbox entries and say since when; an entry knows the request that recorded it', async () => {
  await eventually(exported, (text) => sample(text, 'longwatch_ledger_owed{kind="start"}') === 0);
  for (const userId of ['ada', 'ben']) await send('put', `/v1/users/${userId}`, { name: userId });
  await send('put', '/v1/users/ben/following/ada', {});
  const { status } = await send('post', '/v1/posts', { authorId: 'ada', postId: 'p-1', text: 'Hello' }, 'order-4711');
  expect(status).toBe(201);

  const store = new OutboxStore(graph.dynamodb.db);
  const entries = await dueEntries(graph.dynamodb.db);
  expect(entries.find(({ id }) => id === 'fan-out/p-1')?.carrier).toEqual({ requestId: 'order-4711' });
  const [starts, rescores] = await store.backlog(['start', 'rescore'], Date.now());
  expect(starts).toEqual({
    kind: 'start',
    due: entries.length,
    oldestDueAt: Math.min(...entries.map(({ dueAt }) => dueAt)),
  });
  expect(rescores).toEqual({ kind: 'rescore', due: 0 });
  // Where nothing is due, a shard costs half a unit.
  expect((await graph.dynamodb.unitsOf(() => store.backlog(['start', 'rescore'], 0))).read).toBe(16);
});

it('as the same process exports it a little later, for it does not look at every scrape', async () => {
  const text = await eventually(exported, (found) => sample(found, 'longwatch_ledger_owed{kind="start"}') > 0);
  expect(sample(text, 'longwatch_ledger_oldest_seconds{kind="start"}')).toBeGreaterThan(0);
  expect(sample(text, 'longwatch_workflow_starts_total{result="failed"}')).toBeGreaterThan(0);
  // Temporal is away, as the gateway's metric says of the API's own attempts.
  expect(text).toMatch(
    /longwatch_gateway_call_seconds_count\{gateway="temporal",operation="StartWorkflow",result="(failed|late)"\} [1-9]/,
  );
});
