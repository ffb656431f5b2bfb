import { Registry } from 'prom-client';
import request from 'supertest';
import { z } from 'zod';
import { createApp } from '../../../src/api/app';
import { Authenticator } from '../../../src/api/auth';
import { route } from '../../../src/api/http/router';
import { HttpMetrics } from '../../../src/metrics/http';
import { currentIds, withIds } from '../../../src/telemetry/ids';
import { openLogger } from '../../../src/telemetry/logger';
import { eventually } from '../../support/eventually';

let lines: Record<string, unknown>[] = [];
const registry = new Registry();
const logger = openLogger('debug', { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
const thing = route({
  method: 'post',
  path: '/v1/posts/:id',
  operationId: 'postThing',
  tag: 'things',
  loadClass: 'interactive',
  summary: 'A thing',
  roles: 'public',
  params: z.object({ id: z.string() }),
  body: z.object({ userId: z.string(), password: z.string() }),
  // As the graph adds to the routes of a capability.
  requestIds: { names: ['userId'], collections: { posts: 'postId' } },
  responses: { 200: { description: 'Done' } },
  handler: async ({ body }) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    logger.info('in the middle of it');
    if (body.userId === 'eve') throw new Error('a fault');
    return { status: 200, body: { ids: currentIds() } };
  },
});
const app = createApp({
  // As the graph gives them to the routes of a capability that declares them.
  routes: [{ ...thing, requestIds: { names: ['userId'], collections: { posts: 'postId' } } }],
  authenticator: new Authenticator([]),
  logger,
  registry,
  watch: new HttpMetrics(registry),
  readiness: async () => ({ dynamodb: 'ok', temporal: 'ok', worker: 'ok' }),
  version: 'test',
});
const send = (id: string | undefined, userId = 'ada', path = 'p-1') =>
  request(app)
    .post(`/v1/posts/${path}`)
    .set(id === undefined ? {} : { 'x-request-id': id })
    .send({ userId, password: 'hush-hush' });
const logged = async (count: number) => {
  await eventually(
    () => lines.length,
    (length) => length >= count,
  );
  return lines;
};
beforeEach(() => (lines = []));

it('a request’s id is taken over, answered with, and in every line, beside the ids that it names', async () => {
  const { headers, status } = await send('order-4711');
  expect([status, headers['x-request-id']]).toEqual([200, 'order-4711']);
  for (const line of await logged(2))
    expect(line).toMatchObject({ requestId: 'order-4711', postId: 'p-1', userId: 'ada' });
  expect(lines.map(({ msg }) => msg)).toEqual(['in the middle of it', 'request']);
  expect(lines[1]).toMatchObject({ method: 'POST', route: '/v1/posts/:id', status: 200 });
  expect(JSON.stringify(lines)).not.toContain('hush-hush');
});

it.each([undefined, '', 'a b', 'x'.repeat(65), 'é', 'a"b'])('the id %p is not taken over: one is made', async (id) => {
  const { headers } = await send(id === 'é' ? undefined : id);
  expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  expect((await logged(2))[1]).toMatchObject({ requestId: headers['x-request-id'] });
});

it('requests at the same time do not mix their ids', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => send(`r-${i}`, `user-${i}`, `p-${i}`)));
  answers.forEach(({ body }, i) =>
    expect(body.ids).toEqual({ requestId: `r-${i}`, userId: `user-${i}`, postId: `p-${i}` }),
  );
  for (const line of await logged(40))
    expect([line['userId'], line['postId']]).toEqual([
      String(line['requestId']).replace('r', 'user'),
      String(line['requestId']).replace('r', 'p'),
    ]);
});

it('a fault is logged under the id that its answer names', async () => {
  const { body, status } = await send('broken-1', 'eve');
  expect([status, body.instance]).toEqual([500, 'urn:longwatch:request:broken-1']);
  const failure = (await logged(3)).find(({ msg }) => msg === 'request failed');
  expect(failure).toMatchObject({ requestId: 'broken-1', err: { message: 'a fault' } });
});

it('metrics know routes, statuses and methods, not paths', async () => {
  await send('m-1', 'ada', 'secret-path');
  await request(app).get('/nowhere/secret-path');
  await request(app).propfind('/v1/posts/secret-path');
  const text = (await request(app).get('/metrics')).text;
  expect(text).toMatch(/longwatch_http_request_seconds_count\{method="POST",route="\/v1\/posts\/:id",status="200"\}/);
  expect(text).toMatch(/longwatch_http_request_seconds_count\{method="GET",route="none",status="404"\} 1/);
  expect(text).toMatch(/method="other"/);
  expect(text).not.toContain('secret-path');
  expect(text).toContain('longwatch_http_requests_in_flight 1'); // This one.
});

it('ids of work within work are added to those around it, and gone with it', () => {
  withIds({ requestId: 'r' }, () => {
    withIds({ workflowId: 'w' }, () => expect(currentIds()).toEqual({ requestId: 'r', workflowId: 'w' }));
    expect(currentIds()).toEqual({ requestId: 'r' });
  });
  expect(currentIds()).toEqual({});
});
