import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { readConfig } from '../../src/graph/config';
import { httpHandler, type HttpHandler } from '../../src/lambda/http';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { httpEvent, invocation } from '../support/lambdaEvents';
import { dueEntries } from '../support/outbox';
import { payment } from '../support/payment';

let graph: TestGraph;
let handler: HttpHandler;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_PUBLIC_URL: 'https://longwatch.test' });
  handler = httpHandler({ graph, config: readConfig(graph.environment) });
});
afterAll(() => graph?.stop());

async function send(...request: Parameters<typeof httpEvent>) {
  const answer = (await handler(httpEvent(...request), invocation())) as APIGatewayProxyStructuredResultV2;
  return {
    ...answer,
    json: answer.body?.startsWith('{') ? (JSON.parse(answer.body) as Record<string, unknown>) : undefined,
  };
}
const service = { authorization: bearer('service')[1] };

it('decides a payment that comes through API Gateway, and answers the same for the same', async () => {
  const body = payment();
  const first = await send('POST', '/v1/transactions', { body, headers: service });
  const again = await send('POST', '/v1/transactions', { body, headers: service });
  expect(first).toMatchObject({ statusCode: 200, isBase64Encoded: false, json: { transactionId: body.transactionId } });
  expect(again.body).toBe(first.body);
  expect(again.headers).toMatchObject({ 'idempotent-replayed': 'true' });
  expect((await send('GET', `/v1/transactions/${body.transactionId}`, { headers: service })).json).toMatchObject({
    transaction: { transactionId: body.transactionId },
  });
});

it('leaves workflow starts in the outbox that it could not dispatch before it was frozen', async () => {
  const body = payment({ amount: 50_000_000, userId: 'nobody-yet' });
  expect((await send('POST', '/v1/transactions', { body, headers: service })).json).toMatchObject({
    investigationId: body.transactionId,
  });
  expect(JSON.stringify(await dueEntries(graph.dynamodb.db, 'start', Date.now() + 60_000))).toContain(
    body.transactionId,
  );
});

it.each([
  ['without a key', () => ({ body: payment() }), 401],
  ['with a wrong one', () => ({ body: payment(), headers: { authorization: 'Bearer wrong-wrong-wrong-wrong' } }), 401],
  ['with a body that is no JSON', () => ({ body: '{', headers: service }), 400],
  ['with one that is too large', () => ({ body: { ...payment(), note: 'x'.repeat(70_000) }, headers: service }), 413],
  ['with another content type', () => ({ body: 'a=b', headers: { ...service, 'content-type': 'text/plain' } }), 415],
])('a request %s is a problem', async (_how, request, status) => {
  const answer = await send('POST', '/v1/transactions', request());
  expect(answer).toMatchObject({
    statusCode: status,
    headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
    json: { status },
  });
});

it('hands the session’s cookie out and takes it back', async () => {
  const opened = await send('POST', '/v1/sessions', { body: { userId: 'ada', device: 'Firefox' }, headers: service });
  expect(opened).toMatchObject({
    statusCode: 201,
    cookies: [expect.stringMatching(/HttpOnly.*Secure|Secure.*HttpOnly/i)],
  });
  const cookie = opened.cookies![0]!.split(';')[0]!;
  expect(await send('GET', '/v1/sessions/current', { cookies: [cookie, 'other=1'] })).toMatchObject({
    statusCode: 200,
    json: { userId: 'ada' },
  });
  expect((await send('GET', '/v1/sessions/current')).statusCode).toBe(401);
});

it('reads the query, and answers what is not there with 404', async () => {
  expect(
    (await send('GET', '/v1/investigations?limit=nonsense', { headers: { authorization: bearer('ana')[1] } })).json,
  ).toMatchObject({ status: 400 });
  expect(
    (await send('GET', '/v1/investigations?status=waiting&limit=5', { headers: { authorization: bearer('ana')[1] } }))
      .statusCode,
  ).toBe(200);
  expect((await send('GET', '/nowhere')).statusCode).toBe(404);
  // A stream of events would hold the function until it is cut.
  const streams = graph.routes.filter(({ responses }) =>
    Object.values(responses).some(({ contentType }) => contentType === 'text/event-stream'),
  );
  expect(streams.length).toBeGreaterThan(0);
  for (const { path } of streams)
    expect((await send('GET', path, { headers: { authorization: bearer('admin')[1] } })).statusCode).toBe(404);
  expect((await send('GET', '/healthz')).json).toEqual({ status: 'ok' });
});
