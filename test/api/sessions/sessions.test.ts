import request, { type Response } from 'supertest';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'sessions' });
});
afterAll(() => graph?.stop());

const open = (body: object = { userId: 'ada' }, on = graph) =>
  request(on.app)
    .post('/v1/sessions')
    .set(...bearer('service'))
    .send(body);
const setCookie = (response: Response): string =>
  (response.headers['set-cookie'] as unknown as string[] | undefined)?.[0] ?? '';
/** As the browser sends it back. */
const cookieOf = (response: Response): string => setCookie(response).split(';')[0]!;
const current = (cookie: string, on = graph) => request(on.app).get('/v1/sessions/current').set('cookie', cookie);
const change = (cookie: string, body: object) =>
  request(graph.app)
    .patch('/v1/sessions/current')
    .set(...bearer('service'))
    .set('cookie', cookie)
    .send(body);
const leave = (cookie: string) => request(graph.app).delete('/v1/sessions/current').set('cookie', cookie);
const list = (userId: string, query = '') =>
  request(graph.app)
    .get(`/v1/users/${userId}/sessions${query}`)
    .set(...bearer('service'));
let users = 0;
const someone = () => `user-${++users}`;

it('opens a session for a user, which the cookie then is', async () => {
  const opened = await open({ userId: 'ada', device: 'Firefox on Linux', place: 'Berlin', data: { cart: ['book'] } });
  expect(opened.status).toBe(201);
  expect(opened.body).toMatchObject({
    userId: 'ada',
    device: 'Firefox on Linux',
    place: 'Berlin',
    data: { cart: ['book'] },
  });
  const { body, status } = await current(cookieOf(opened));
  expect(status).toBe(200);
  expect(body).toEqual(opened.body);
});

it('the cookie on loopback is HttpOnly, SameSite=Lax, without Domain, for all paths, of one browser run', async () => {
  const [pair, ...attributes] = setCookie(await open()).split('; ');
  expect(pair).toMatch(/^longwatch=s%3A/);
  expect(attributes.sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax']);
});

it('off loopback it is Secure with the host prefix, whatever the last hop is', async () => {
  for (const env of [{ HOST: '0.0.0.0' }, { LONGWATCH_PUBLIC_URL: 'https://app.example' }]) {
    const remote = await startTestGraph(env);
    try {
      const opened = await open({ userId: 'ada' }, remote);
      const [pair, ...attributes] = setCookie(opened).split('; ');
      expect(pair).toMatch(/^__Host-longwatch=s%3A/);
      expect(attributes.sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
      expect((await current(cookieOf(opened), remote)).status).toBe(200);
      const left = await request(remote.app).delete('/v1/sessions/current').set('cookie', cookieOf(opened));
      expect(setCookie(left)).toBe(
        '__Host-longwatch=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax; Secure',
      );
    } finally {
      await remote.stop();
    }
  }
});

it('without a cookie, with a forged one, and with one that is not signed there is no session', async () => {
  const { body } = await request(graph.app).get('/v1/sessions/current').expect(401);
  expect(body.detail).toMatch(/cookie is missing/);
  await current('longwatch=s%3Aguessed.signature').expect(401);
  const id = decodeURIComponent(cookieOf(await open()))
    .slice('longwatch=s:'.length)
    .split('.')[0]!;
  await current(`longwatch=${id}`).expect(401);
});

it('an id has at least 128 bits, and neither the table nor an answer has it', async () => {
  const opened = await open();
  const id = decodeURIComponent(cookieOf(opened)).slice('longwatch=s:'.length).split('.')[0]!;
  expect(Buffer.from(id, 'base64url').length * 8).toBeGreaterThanOrEqual(128);
  expect(JSON.stringify(opened.body)).not.toContain(id);
});

it('logs out: the cookie is taken away and works no more; doing so again is no fault', async () => {
  const cookie = cookieOf(await open());
  const left = await leave(cookie);
  expect([left.status, setCookie(left)]).toEqual([
    204,
    'longwatch=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
  ]);
  await current(cookie).expect(401);
  await leave(cookie).expect(204);
});

it('merges data, and takes names away that are null', async () => {
  const cookie = cookieOf(await open({ userId: 'ada', data: { a: 1, b: { c: 2 } } }));
  const { body, headers } = await change(cookie, { data: { b: null, d: [3] } }).expect(200);
  expect(body.data).toEqual({ a: 1, d: [3] });
  expect(headers['set-cookie']).toBeUndefined();
  expect((await current(cookie)).body.data).toEqual({ a: 1, d: [3] });
});

it('a change of privilege gives a new id: the old one never works again, the session is the same', async () => {
  const opened = await open({ userId: someone(), data: { step: 'password' } });
  const old = cookieOf(opened);
  const rotated = await change(old, { data: { step: 'second factor' }, privilegeChanged: true }).expect(200);
  const cookie = cookieOf(rotated);
  expect(cookie).not.toBe(old);
  expect(rotated.body).toMatchObject({
    handle: opened.body.handle,
    createdAt: opened.body.createdAt,
    absoluteExpiresAt: opened.body.absoluteExpiresAt,
    data: { step: 'second factor' },
  });
  await current(old).expect(401);
  expect((await current(cookie)).body.data).toEqual({ step: 'second factor' });
  await change(old, { data: { step: 'stolen' } }).expect(401);
});

it('who logs in again in the same browser leaves the session that it had', async () => {
  const first = cookieOf(await open());
  const second = await open().set('cookie', first);
  expect(cookieOf(second)).not.toBe(first);
  await current(first).expect(401);
  await current(cookieOf(second)).expect(200);
});

it('lists where a user is logged in, newest first, and marks the session that asks', async () => {
  const userId = someone();
  const phone = await open({ userId, device: 'Phone', place: 'Rome' });
  const desk = await open({ userId, device: 'Desk' });
  await open({ userId: someone() });
  const { body } = await list(userId).set('cookie', cookieOf(phone)).expect(200);
  expect(body.items).toMatchObject([
    { handle: desk.body.handle, device: 'Desk', current: false },
    { handle: phone.body.handle, device: 'Phone', place: 'Rome', current: true },
  ]);
  const page = (await list(userId, '?limit=1')).body;
  expect(page.items).toHaveLength(1);
  expect((await list(userId, `?limit=1&cursor=${page.cursor}`)).body.items).toMatchObject([
    { handle: phone.body.handle },
  ]);
});

it('ends one session of a user by its handle, also after its id changed', async () => {
  const userId = someone();
  const [lost, kept] = [await open({ userId }), await open({ userId })];
  const rotated = cookieOf(await change(cookieOf(lost), { privilegeChanged: true }));
  const end = () =>
    request(graph.app)
      .delete(`/v1/users/${userId}/sessions/${lost.body.handle}`)
      .set(...bearer('service'));
  await end().expect(204);
  await current(rotated).expect(401);
  await current(cookieOf(kept)).expect(200);
  await end().expect(404);
});

it('logs out everywhere, or everywhere but here', async () => {
  const userId = someone();
  const cookies: string[] = [];
  const handles: string[] = [];
  for (let i = 0; i < 5; i++) {
    const opened = await open({ userId });
    cookies.push(cookieOf(opened));
    handles.push(opened.body.handle as string);
  }
  const endAll = (query = '') =>
    request(graph.app)
      .delete(`/v1/users/${userId}/sessions${query}`)
      .set(...bearer('service'));
  expect((await endAll(`?keep=${handles[0]}`)).body).toEqual({ ended: 4 });
  await current(cookies[0]!).expect(200);
  for (const cookie of cookies.slice(1)) await current(cookie).expect(401);
  expect((await endAll()).body).toEqual({ ended: 1 });
  await current(cookies[0]!).expect(401);
  expect((await list(userId)).body.items).toEqual([]);
});

it('refuses what is not valid, naming the field, and changes nothing', async () => {
  const cookie = cookieOf(await open({ userId: 'ada', data: { a: 1 } }));
  expect((await open({ userId: 'a/b' })).body.errors).toMatchObject([{ field: 'userId' }]);
  expect((await open({ userId: 'ada', device: 'x'.repeat(101) })).body.errors).toMatchObject([{ field: 'device' }]);
  const { body, status } = await change(cookie, { data: { a: 'x'.repeat(70_000) } });
  expect([status, body.detail]).toEqual([413, expect.any(String)]);
  await change(cookie, { data: { b: 'x'.repeat(40_000) } }).expect(200);
  const tooMuch = await change(cookie, { data: { a: 2, c: 'x'.repeat(40_000) } });
  expect([tooMuch.status, tooMuch.body.errors]).toEqual([
    400,
    [{ field: 'data', message: expect.stringMatching(/65536 bytes/) }],
  ]);
  expect((await current(cookie)).body.data).toEqual({ a: 1, b: 'x'.repeat(40_000) });
});

it(
  'roles: a back end opens, changes, lists and ends; a browser reads its own and logs out; another site does ' +
    'neither',
  async () => {
    const cookie = cookieOf(await open());
    await request(graph.app).post('/v1/sessions').send({ userId: 'ada' }).expect(401);
    await request(graph.app)
      .post('/v1/sessions')
      .set(...bearer('ana'))
      .send({ userId: 'ada' })
      .expect(403);
    await request(graph.app)
      .patch('/v1/sessions/current')
      .set('cookie', cookie)
      .send({ data: { admin: true } })
      .expect(401);
    await request(graph.app).get('/v1/users/ada/sessions').set('cookie', cookie).expect(401);
    await leave(cookie).set('sec-fetch-site', 'cross-site').expect(403);
    await current(cookie).expect(200);
    await leave(cookie).set('sec-fetch-site', 'same-origin').expect(204);
  },
);

it('DynamoDB away: 503 and the session is as it was', async () => {
  const cookie = cookieOf(await open());
  graph.wire.cut();
  try {
    await current(cookie).expect(503);
  } finally {
    graph.wire.mend();
  }
  await current(cookie).expect(200);
});

it('documents itself', async () => {
  const { body } = await request(graph.app).get('/openapi.json').expect(200);
  expect(body.paths['/v1/sessions/current'].get.security).toEqual([{ session: [] }]);
  expect(Object.keys(body.paths)).toEqual(
    expect.arrayContaining([
      '/v1/sessions',
      '/v1/sessions/current',
      '/v1/users/{userId}/sessions',
      '/v1/users/{userId}/sessions/{handle}',
    ]),
  );
});
