import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { capabilities } from '../../../src/graph/capabilities';
import { bearer, startTestGraph, type TestGraph, type Who } from '../../support/graph';
import { payment } from '../../support/payment';
import { merchantDecides } from '../../support/merchantRules';
import { eventually } from '../../support/stack';

let graph: TestGraph;
let server: Server;
let url: string;
beforeAll(async () => {
  graph = await startTestGraph();
  server = createServer(graph.app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await merchantDecides(graph.app);
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await graph?.stop();
});

const overview = (who: Who) =>
  request(graph.app)
    .get('/v1/overview')
    .set(...bearer(who));
const pay = (over: Record<string, unknown> = {}) =>
  request(graph.app)
    .post('/v1/transactions')
    .set(...bearer('service'))
    .send(payment(over))
    .expect(200);

/** What comes of an event stream, as it comes. */
async function events(headers: Record<string, string> = {}) {
  const stop = new AbortController();
  const [name, value] = bearer('ana');
  const response = await fetch(`${url}/v1/overview/events`, {
    headers: { [name]: value, ...headers },
    signal: stop.signal,
  });
  let text = '';
  let over = false;
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const part of response.body!) text += decoder.decode(part as Uint8Array, { stream: true });
  })()
    .catch(() => undefined)
    .finally(() => (over = true));
  return {
    response,
    over: () => over,
    received: () =>
      [...text.matchAll(/^id: (\d+)\ndata: (.+)$/gm)].map(([, id, data]) => ({
        id: id!,
        ...(JSON.parse(data!) as { text: string; count?: number; tone: string; workflowId?: string }),
      })),
    async close() {
      stop.abort();
      await reading;
    },
  };
}

it.each([
  ['service', 403],
  ['ada', 403],
  ['ana', 200],
  ['eva', 200],
  ['admin', 200],
] as const)('%s gets %i', async (who, status) => {
  await overview(who).expect(status);
  const [name, value] = bearer(who);
  const stop = new AbortController();
  const answer = await fetch(`${url}/v1/overview/events`, { headers: { [name]: value }, signal: stop.signal });
  stop.abort();
  expect(answer.status).toBe(status);
});

it('nobody sees it without a key; the page itself is public, holds no data and lets in nothing foreign', async () => {
  await request(graph.app).get('/v1/overview').expect(401);
  const { headers, text } = await request(graph.app).get('/').expect(200);
  expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
  expect(headers['content-security-policy']).not.toContain('unsafe');
  expect(text).not.toMatch(/<script(?![^>]* src=)|style=| on\w+=|https?:\/\//);
  for (const path of ['/web/longwatch.css', '/web/longwatch.js', '/web/icon.svg'])
    await request(graph.app).get(path).expect(200);
  await request(graph.app).get('/web/../package.json').expect(404);
});

it('says what is away, and shows the rest: without Temporal there are cases and counts', async () => {
  const { body: decided } = await pay({ merchantId: 'review' });
  await pay();
  const { body } = await eventually(
    async () => overview('ana').expect(200),
    (answer) =>
      answer.body.cases !== 'unavailable' &&
      answer.body.cases.items.some(
        ({ transactionId }: { transactionId: string }) => transactionId === decided.transactionId,
      ),
  );
  expect(body).toMatchObject({ status: 'degraded', version: 'unknown', queues: 'unavailable' });
  expect(body.parts).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'DynamoDB', state: 'ok' }),
      expect.objectContaining({ name: 'Temporal', state: 'unavailable' }),
    ]),
  );
  expect(body.cases.items).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        transactionId: decided.transactionId,
        status: 'scoring',
        outcome: 'review',
        amount: 1999,
        currency: 'EUR',
      }),
    ]),
  );
  const fraud = body.capabilities.find(({ name }: { name: string }) => name === 'fraud');
  expect(fraud.figures).toEqual(expect.arrayContaining([{ label: 'payments: review', value: 1, scope: 'process' }]));
  expect(body.capabilities.map(({ name }: { name: string }) => name)).toEqual(capabilities.map(({ name }) => name));
});

it('starts that are owed and overdue are seen: Temporal is away', async () => {
  await eventually(
    async () => overview('ana'),
    ({ body }) =>
      body.owed !== 'unavailable' &&
      body.owed[0].kind === 'start' &&
      body.owed[0].due === 1 &&
      Date.now() - Date.parse(body.owed[0].oldestDueAt) > 5_000,
  );
});

it('a hundred viewers cost what one does, and nobody scans', async () => {
  await overview('ana');
  const calls = await graph.callsOf(() => Promise.all(Array.from({ length: 100 }, () => overview('ana'))));
  expect(Object.keys(calls)).not.toContain('Scan');
  // What has just run out is looked up once more, at most: five lists of cases, the carts' counts, 16 shards of the
  // ledger for either kind, three streams' dead letters.
  expect(calls['Query'] ?? 0).toBeLessThanOrEqual(5 + 2 * 16 + 5);
  expect(calls['BatchGetItem'] ?? 0).toBeLessThanOrEqual(1);
});

it('events come as they happen, routine counted by the second, and go on behind a reader’s last one', async () => {
  // Behind all that was before: ids are microseconds.
  const first = await events({ 'last-event-id': String(Date.now() * 1_000) });
  expect(first.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const { body: held } = await pay({ merchantId: 'block', amount: 459_900 });
  await Promise.all(Array.from({ length: 5 }, () => pay()));
  const approved = () => first.received().filter(({ text }) => text === 'payment approved');
  await eventually(
    async () => approved().reduce((sum, { count = 0 }) => sum + count, 0),
    (sum) => sum >= 5,
  );
  const received = first.received();
  expect(received.find(({ workflowId }) => workflowId === `investigation/${held.transactionId}`)).toMatchObject({
    tone: 'notable',
    text: 'A payment of EUR 4,599.00: block, held',
  });
  expect(approved().reduce((sum, { count = 0 }) => sum + count, 0)).toBe(5);
  await first.close();

  const last = first.received().at(-1)!;
  const again = await events({ 'last-event-id': last.id });
  await pay();
  await eventually(
    async () => again.received(),
    ({ length }) => length > 0,
  );
  expect(again.received().every(({ id }) => Number(id) > Number(last.id))).toBe(true);
  await again.close();
  // How long somebody listened is no latency of the route.
  const { values } = await graph.metrics.registry.getSingleMetric('longwatch_http_request_seconds')!.get();
  const streams = values.filter(({ labels }) => labels['route'] === '/v1/overview/events');
  expect(streams.filter(({ labels }) => labels['status'] === '499')).toEqual([]);
});

it('the head of a stream is answered and over', async () => {
  await request(graph.app)
    .head('/v1/overview/events')
    .set(...bearer('ana'))
    .expect(200)
    .expect('content-type', /^text\/event-stream/);
});

it('too many streams are refused, and all end before the process does', async () => {
  const open = await Promise.all(Array.from({ length: 50 }, () => events()));
  expect(open.every(({ response }) => response.status === 200)).toBe(true);
  const refused = await events();
  expect(refused.response.status).toBe(503);
  expect(refused.response.headers.get('retry-after')).toBe('30');
  await open[0]!.close();
  const admitted = await eventually(
    async () => events(),
    ({ response }) => response.status === 200,
  );
  graph.endStreams();
  await eventually(async () => [...open, admitted].every(({ over }) => over()), Boolean);
});
