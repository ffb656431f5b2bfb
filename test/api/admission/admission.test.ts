import { connect, type Socket } from 'node:net';
import { Agent, get as httpGet, type IncomingMessage, request as httpRequest } from 'node:http';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { Admission } from '../../../src/api/admission/admission';
import { createApp } from '../../../src/api/app';
import { Authenticator, parseApiKeys } from '../../../src/api/auth';
import { CallerLimits, type RateLimits } from '../../../src/api/admission/callerLimits';
import { type AnyRoute, route } from '../../../src/api/http/router';
import { listen, type Listening, type ListenSettings } from '../../../src/api/http/server';
import { HttpMetrics } from '../../../src/metrics/http';
import { eventually } from '../../support/stack';

const KEY = 'service-key-0123456789';
interface Held {
  release(): void;
}

/** A server whose one route's handler waits until the test lets it go on, and tells how many it holds. */
async function startHeld({
  max = 4,
  budgetMs = 60_000,
  limits,
  ...settings
}: { max?: number; budgetMs?: number; limits?: RateLimits } & Partial<ListenSettings> = {}) {
  const held: Held[] = [];
  const reads = { authenticated: 0 };
  const work: AnyRoute = route({
    method: 'post',
    path: '/v1/work',
    operationId: 'work',
    tag: 'test',
    loadClass: 'interactive',
    summary: 'Waits until it is let go',
    roles: ['service'],
    body: z.object({ text: z.string() }),
    bodyLimit: 1024 * 1024,
    responses: { 200: { description: 'Done' } },
    handler: async ({ body }) => {
      await new Promise<void>((resolve) => held.push({ release: resolve }));
      return { status: 200, body };
    },
  });
  const registry = new Registry();
  const metrics = new HttpMetrics(registry);
  const admission = new Admission({
    max,
    budgets: { money: budgetMs, interactive: budgetMs, bulk: budgetMs },
    onShed: (where, loadClass) => metrics.shedRequest(where, loadClass),
    onBegin: (loadClass, waitedMs) => metrics.begins(loadClass, waitedMs),
  });
  metrics.watchAdmission(() => admission.state);
  const keys = new Authenticator(parseApiKeys(`pay:service:${KEY},other:service:other-key-0123456789`));
  const authenticator = {
    authenticate: (request: Parameters<Authenticator['authenticate']>[0]) => (
      reads.authenticated++,
      keys.authenticate(request)
    ),
  } as Authenticator;
  const app = createApp({
    routes: [work],
    authenticator,
    logger: pino({ level: 'silent' }),
    registry,
    readiness: async () => ({ dynamodb: 'ok', temporal: 'ok', worker: 'ok' }),
    version: 'test',
    admission,
    ...(limits && { callerLimits: new CallerLimits(limits) }),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, admission, ...settings });
  running.push(server);
  const metric = async (line: RegExp) => Number(line.exec(await registry.metrics())?.[1] ?? 0);
  return {
    server,
    held,
    reads,
    admission,
    shed: () => metric(/^longwatch_http_shed_total\{where="arrival",class="interactive"\} (\d+)/m),
    shedInQueue: () => metric(/^longwatch_http_shed_total\{where="queue",class="interactive"\} (\d+)/m),
    post: (text = 'x', key = KEY) => post(server, JSON.stringify({ text }), key),
    releaseAll: () => held.splice(0).forEach((one) => one.release()),
  };
}

const running: Listening[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  sockets.splice(0).forEach((socket) => socket.destroy());
  await Promise.all(running.splice(0).map((server) => server.close(0)));
  agent.destroy();
});
const agent = new Agent({ keepAlive: true });

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}
const read = (message: IncomingMessage): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let text = '';
    message.on('data', (part: Buffer) => (text += part.toString()));
    message.on('end', () => resolve({ status: message.statusCode!, headers: message.headers, text }));
    message.on('error', reject);
  });
const post = ({ port }: Listening, body: string, key: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        agent,
        host: '127.0.0.1',
        port,
        path: '/v1/work',
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (answer) => resolve(read(answer)),
    );
    sent.on('error', reject);
    sent.end(body);
  });
const get = ({ port }: Listening, path: string): Promise<Answer> =>
  new Promise(
    (resolve, reject) =>
      void httpGet({ agent, host: '127.0.0.1', port, path }, (answer) => resolve(read(answer))).on('error', reject),
  );

/** A connection of its own, to be misused. */
async function raw(
  { port }: Listening,
  head: string,
): Promise<{ socket: Socket; closed: Promise<string>; received(): string }> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let received = '';
  socket.on('data', (part) => (received += part.toString()));
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(head);
  return {
    socket,
    received: () => received,
    closed: new Promise((resolve) => socket.once('close', () => resolve(received))),
  };
}

const HEAD =
  `POST /v1/work HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ncontent-type: ` +
  'application/json\r\ncontent-length: 1000\r\n\r\n';

/** Lets held requests go, one after another, until all of some answers are there. */
async function answersOf<T>(asked: readonly Promise<T>[], held: Held[]): Promise<T[]> {
  const timer = setInterval(() => held.shift()?.release(), 2);
  try {
    return await Promise.all(asked);
  } finally {
    clearInterval(timer);
  }
}

it(
  '64 clients with one request each in flight wait for their turns; who comes beyond is refused at once, before ' +
    'anything is looked at, and then few may wait',
  async () => {
    const { held, reads, post: ask, shed, shedInQueue, admission } = await startHeld();
    const burst = Array.from({ length: 64 }, () => ask());
    await eventually(
      async () => [held.length, admission.state.waiting],
      ([active, waiting]) => active === 4 && waiting === 60,
    );
    burst.push(...Array.from({ length: 4 }, () => ask()));
    await eventually(
      async () => admission.state.waiting,
      (waiting) => waiting === 64,
    );
    const refused = await Promise.all([ask(), ask()]);
    for (const answer of refused) {
      expect(answer.status).toBe(503);
      expect(answer.headers).toMatchObject({
        'content-type': 'application/problem+json',
        'retry-after': expect.stringMatching(/^\d+$/),
      });
      expect(JSON.parse(answer.text)).toEqual({
        type: 'urn:longwatch:problem:overloaded',
        title: 'Service overloaded',
        status: 503,
        detail: 'The service is overloaded. The request was not processed; retry after the time in Retry-After.',
      });
    }
    expect(reads.authenticated).toBe(68);
    expect(await shed()).toBeGreaterThan(0);
    // Overloaded: those that waited longest have given way, so that the queue is short.
    expect(await shedInQueue()).toBeGreaterThan(50);
    expect(admission.state.waiting).toBeLessThanOrEqual(4);
    const answers = await answersOf(burst, held);
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThan(14);
  },
);

it('clients with one request in flight each are all served, however many rounds they go', async () => {
  const { held, post: ask } = await startHeld();
  const timer = setInterval(() => held.shift()?.release(), 1);
  const statuses = await Promise.all(
    Array.from({ length: 64 }, async () => {
      const seen: number[] = [];
      for (let i = 0; i < 5; i++) seen.push((await ask()).status);
      return seen;
    }),
  );
  clearInterval(timer);
  expect([...new Set(statuses.flat())]).toEqual([200]);
});

it('health and metrics answer however many are active', async () => {
  const { server, held, post: ask, admission } = await startHeld();
  const all = Array.from({ length: 16 }, () => ask());
  await eventually(
    async () => held.length + admission.state.waiting,
    (count) => count === 16,
  );
  for (const path of ['/healthz', '/readyz', '/metrics']) expect((await get(server, path)).status).toBe(200);
  await answersOf(all, held);
});

it('clients that send their bodies slowly take no place from others', async () => {
  const { server, held, post: ask, releaseAll, admission } = await startHeld();
  const slow = await Promise.all(Array.from({ length: 50 }, () => raw(server, HEAD)));
  // So many that they are turned away as they come, until the first have lost their places.
  const fast = await eventually(
    async () => {
      const asked = ask();
      await Promise.race([
        asked,
        eventually(
          async () => held.length,
          (length) => length > 0,
        ),
      ]);
      releaseAll();
      return asked;
    },
    ({ status }) => status === 200,
  );
  expect(fast.status).toBe(200);
  expect(slow.some(({ socket }) => !socket.destroyed)).toBe(true);
  expect(admission.state.active).toBe(0);
});

it('a client that reads slowly holds a connection, and no place', async () => {
  const { server, held, post: ask, releaseAll, admission } = await startHeld({ max: 2 });
  const text = 'x'.repeat(900_000);
  const body = JSON.stringify({ text });
  for (let i = 0; i < 2; i++) {
    const { socket } = await raw(server, HEAD.replace('1000', String(Buffer.byteLength(body))));
    socket.pause();
    socket.write(body);
  }
  await eventually(
    async () => held.length,
    (length) => length === 2,
  );
  releaseAll();
  await eventually(
    async () => admission.state.active,
    (active) => active === 0,
  );
  const other = ask();
  await eventually(
    async () => held.length,
    (length) => length === 1,
  );
  releaseAll();
  expect((await other).status).toBe(200);
});

it('a client that goes away while it waits makes room', async () => {
  const { server, held, admission, releaseAll, post: ask } = await startHeld({ max: 2 });
  const first = [ask(), ask()];
  await eventually(
    async () => held.length,
    (length) => length === 2,
  );
  const body = JSON.stringify({ text: 'gone' });
  const { socket } = await raw(server, HEAD.replace('1000', String(body.length)) + body);
  await eventually(
    async () => admission.state.waiting,
    (waiting) => waiting === 1,
  );
  socket.destroy();
  await eventually(
    async () => admission.state.waiting,
    (waiting) => waiting === 0,
  );
  releaseAll();
  await Promise.all(first);
  expect(held).toHaveLength(0);
});

it('a request that has waited for its budget while nothing was completed is refused', async () => {
  const { held, admission, post: ask, shedInQueue } = await startHeld({ max: 2, budgetMs: 500 });
  const first = [ask(), ask()];
  const waiting = Array.from({ length: 6 }, () => ask());
  await eventually(
    async () => held.length + admission.state.waiting,
    (count) => count === 8,
  );
  const answers = (
    await Promise.all(
      [...first, ...waiting].map((one) =>
        Promise.race([
          one,
          eventually(
            async () => admission.state.waiting,
            (count) => count === 0,
          ),
        ]),
      ),
    )
  ).filter((one) => typeof one === 'object');
  for (const answer of answers)
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
  expect(await shedInQueue()).toBeGreaterThanOrEqual(6);
  await answersOf(first, held);
});

it('half-open connections and headers that never end are cut, and others are served meanwhile', async () => {
  const { server, held, post: ask, releaseAll } = await startHeld({ headersTimeoutMs: 1_000, requestTimeoutMs: 2_000 });
  const silent = await Promise.all(Array.from({ length: 100 }, () => raw(server, '')));
  const endless = await Promise.all(
    Array.from({ length: 100 }, () => raw(server, 'GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: ')),
  );
  const unfinished = await raw(server, HEAD);
  const served = ask();
  await eventually(
    async () => held.length,
    (length) => length === 1,
  );
  releaseAll();
  expect((await served).status).toBe(200);
  await Promise.all([...silent, ...endless].map(({ closed }) => closed));
  expect(await unfinished.closed).toMatch(/^HTTP\/1\.1 408/);
});

it('huge headers are refused', async () => {
  const { server } = await startHeld();
  const { closed } = await raw(server, `GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: ${'a'.repeat(20_000)}\r\n\r\n`);
  expect(await closed).toMatch(/^HTTP\/1\.1 431/);
});

it('more connections than there may be are refused, and idle ones give way', async () => {
  const { server } = await startHeld({ maxConnections: 20 });
  // Kept alive, and idle.
  const idle = await Promise.all(
    Array.from({ length: 18 }, () => raw(server, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')),
  );
  await eventually(
    async () => idle.filter(({ received }) => received().includes('{"status":"ok"}')).length,
    (answered) => answered === 18,
  );
  const fresh = await raw(server, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  await eventually(
    async () => fresh.received(),
    (received) => received.includes('{"status":"ok"}'),
  );
  await Promise.all(idle.map(({ closed }) => closed));
});

describe('limits of a caller', () => {
  it('a caller beyond its burst gets 429 with when to come back; another one is served', async () => {
    const { held, post: ask } = await startHeld({ max: 256, limits: { service: { perSecond: 0.5, burst: 3 } } });
    const timer = setInterval(() => held.splice(0).forEach((one) => one.release()), 5);
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await ask());
    const other = await ask('x', 'other-key-0123456789');
    clearInterval(timer);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    expect(answers.map(({ headers }) => headers['ratelimit'])).toEqual(
      [2, 1, 0, 0, 0].map((left) => expect.stringMatching(new RegExp(`^"caller";r=${left};t=\\d+$`))),
    );
    expect(answers[0]!.headers['ratelimit-policy']).toBe('"caller";q=3;w=6');
    expect(Number(answers[3]!.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(JSON.parse(answers[3]!.text)).toMatchObject({
      type: 'urn:longwatch:problem:quota-exceeded',
      detail: expect.stringContaining('pay exceeded its rate limit of 0.5 requests a second (3 at once)'),
    });
    expect(other.status).toBe(200);
  });
});
