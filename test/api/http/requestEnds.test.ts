import { request as httpRequest } from 'node:http';
import session, { Store, type SessionData } from 'express-session';
import type { Request, Response } from 'express';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { Admission } from '../../../src/api/admission/admission';
import { createApp } from '../../../src/api/app';
import { Authenticator, parseApiKeys } from '../../../src/api/auth';
import type { BrowserSession } from '../../../src/api/sessions/browserSession';
import type { SessionFrame } from '../../../src/api/sessions/sessionFrame';
import { CallerLimits } from '../../../src/api/admission/callerLimits';
import { Problem } from '../../../src/api/http/problem';
import { type AnyRoute, type Reply, route } from '../../../src/api/http/router';
import { listen, type Listening } from '../../../src/api/http/server';
import { HttpMetrics } from '../../../src/metrics/http';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';
import { eventually } from '../../support/stack';

const KEY = 'service-key-0123456789';
const DEADLINE_MS = 400;
type Callback = (error?: unknown, session?: SessionData | null) => void;

/** What a stage of the chain does instead of its work. */
interface Faults {
  arrive?(): void;
  began?(): void;
  served?(): void;
  authenticate?(): Promise<never>;
  take?(): never;
  enter?(): Promise<void>;
  schema?(): void;
  sessionMiddleware?(): void;
  of?(): never;
  get?(callback: Callback): void;
  set?(callback: Callback): void;
  touch?(callback: Callback): void;
  handler?(request: { session: BrowserSession | undefined }): Promise<Reply>;
  log?(): void;
}

const circular: Record<string, unknown> = {};
circular['itself'] = circular;
const deep = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
const boom = (): never => {
  throw new Error('boom');
};
const never = (): Promise<never> => new Promise(() => undefined);

const servers: Listening[] = [];
afterEach(async () => void (await Promise.all(servers.splice(0).map((server) => server.close(0)))));

/** The whole chain in front of one route with a session, of which one stage fails. */
async function start(faults: Faults) {
  const kept = new Map<string, string>();
  class TestStore extends Store {
    override get(sid: string, callback: Callback) {
      if (faults.get) return faults.get(callback);
      process.nextTick(() => callback(null, kept.has(sid) ? (JSON.parse(kept.get(sid)!) as SessionData) : null));
    }
    override set(sid: string, data: SessionData, callback: Callback) {
      if (faults.set) return faults.set(callback);
      kept.set(sid, JSON.stringify(data));
      process.nextTick(callback);
    }
    override touch(_sid: string, _data: SessionData, callback: Callback) {
      if (faults.touch) return faults.touch(callback);
      process.nextTick(callback);
    }
    override destroy(_sid: string, callback: Callback) {
      process.nextTick(callback);
    }
  }
  const sessions = session({
    store: new TestStore(),
    secret: 'only for a test',
    resave: false,
    saveUninitialized: false,
  });
  const frame: SessionFrame = {
    cookieName: 'test',
    middleware: (request, response, next) => (faults.sessionMiddleware?.(), sessions(request, response, next)),
    of: (request) => (faults.of?.(), { request } as unknown as BrowserSession),
  };
  const one: AnyRoute = route({
    method: 'post',
    path: '/v1/work',
    operationId: 'work',
    tag: 'test',
    loadClass: 'interactive',
    summary: 'Does what the test wants',
    roles: ['service'],
    session: frame,
    body: z.record(z.string(), z.unknown()).transform((body) => (faults.schema?.(), body)),
    bodyLimit: 1024 * 1024,
    responses: { 200: { description: 'Done' } },
    handler: async ({ session: its }) =>
      (await faults.handler?.({ session: its })) ?? { status: 200, body: { done: true } },
  });
  const registry = new Registry();
  const metrics = new HttpMetrics(registry);
  const admission = new Admission({ max: 4 });
  const keys = new Authenticator(parseApiKeys(`pay:service:${KEY}`));
  const watched = new Proxy(admission, {
    get: (target, name) => {
      if (name === 'arrive' && faults.arrive) return faults.arrive;
      if (name === 'enter' && faults.enter) return faults.enter;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const limits = new CallerLimits({});
  if (faults.take) limits.take = faults.take;
  const logger = pino({ level: 'warn' }, { write: () => faults.log?.() });
  const app = createApp({
    routes: [one],
    authenticator: {
      authenticate: (request: Request) => (faults.authenticate ? faults.authenticate() : keys.authenticate(request)),
    } as unknown as Authenticator,
    logger,
    registry,
    watch: {
      began: () => (faults.began?.(), metrics.began()),
      served: (served) => (faults.served?.(), metrics.served(served)),
    },
    readiness: async () => ({ dynamodb: 'ok', temporal: 'ok', worker: 'ok' }),
    version: 'test',
    admission: watched,
    callerLimits: limits,
    deadlines: { money: DEADLINE_MS, interactive: DEADLINE_MS, bulk: DEADLINE_MS },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, admission: watched });
  servers.push(server);
  return { server, admission };
}

/** @returns the status, or how the connection ended without one. */
const send = (
  { port }: Listening,
  { body = '{}', headers = {} }: { body?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number | string; text: string; headers: Record<string, unknown> }> =>
  new Promise((resolve) => {
    const sent = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path: '/v1/work',
        method: 'POST',
        agent: false,
        headers: {
          authorization: `Bearer ${KEY}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
      },
      (answer) => {
        let text = '';
        answer.on('data', (part: Buffer) => (text += part.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode!, text, headers: answer.headers }));
        answer.on('error', () => resolve({ status: 'cut', text, headers: answer.headers }));
      },
    );
    sent.on('error', () => resolve({ status: 'cut', text: '', headers: {} }));
    sent.end(body);
  });

/** Changes the session, so that it is saved when the reply ends. */
const changing =
  (data: unknown, reply: Reply = { status: 200, body: {} }) =>
  async ({ session: its }: { session: BrowserSession | undefined }): Promise<Reply> => {
    (its as unknown as { request: Request }).request.session.data = data as Record<string, unknown>;
    return reply;
  };
const hostile = { toJSON: boom };
const replying = (reply: unknown) => async () => reply as Reply;

const stages: [string, Faults, number | string, { body?: string; headers?: Record<string, string> }?][] = [
  ['admission, on arrival', { arrive: boom }, 500],
  ['the metrics, at the beginning', { began: boom }, 500],
  ['the metrics, at the end', { served: boom }, 200],
  ['authentication, by a rejection', { authenticate: () => Promise.reject(new Error('boom')) }, 500],
  ['authentication, at once', { authenticate: boom }, 500],
  ['authentication, that never answers', { authenticate: never }, 504],
  ['the limits of callers', { take: boom }, 500],
  ['the content type', {}, 415, { headers: { 'content-type': 'text/plain' } }],
  ['the body parser: not JSON', {}, 400, { body: '{' }],
  [
    'the body parser: an unknown charset',
    {},
    415,
    { headers: { 'content-type': 'application/json; charset=nonsense' } },
  ],
  ['admission, before work begins', { enter: () => Promise.reject(new Error('boom')) }, 500],
  ['the session middleware', { sessionMiddleware: boom }, 500],
  [
    'the session store, that reads with an error',
    { get: (callback) => callback(new Error('boom')) },
    500,
    { headers: { cookie: `connect.sid=${signed()}` } },
  ],
  [
    'the session store, that throws while it reads',
    { get: boom },
    500,
    { headers: { cookie: `connect.sid=${signed()}` } },
  ],
  [
    'the session store, that never reads',
    { get: () => undefined },
    504,
    { headers: { cookie: `connect.sid=${signed()}` } },
  ],
  [
    'the session store, that gives nonsense',
    { get: (callback) => callback(null, 7 as unknown as SessionData) },
    500,
    { headers: { cookie: `connect.sid=${signed()}` } },
  ],
  ['the schema', { schema: boom }, 500],
  ['the session’s view', { of: boom }, 500],
  ['the handler, by a rejection', { handler: () => Promise.reject(new Error('boom')) }, 500],
  ['the handler, at once', { handler: boom }, 500],
  ['the handler, that throws no error', { handler: () => Promise.reject('boom') }, 500],
  ['the handler, that throws nothing at all', { handler: () => Promise.reject(undefined) }, 500],
  ['the handler, that never answers', { handler: never }, 504],
  [
    'a problem that JSON cannot hold',
    { handler: () => Promise.reject(new Problem(409, 'boom', { members: circular })) },
    409,
  ],
  [
    'a problem with a header that HTTP cannot hold',
    { handler: () => Promise.reject(new Problem(409, 'boom', { headers: { 'x-a': 'a\nb' } })) },
    500,
  ],
  ['a problem with a status that HTTP does not have', { handler: () => Promise.reject(new Problem(42, 'boom')) }, 500],
  ['a reply with a status that HTTP does not have', { handler: replying({ status: 42, body: {} }) }, 500],
  [
    'a reply with a header that HTTP cannot hold',
    { handler: replying({ status: 200, body: {}, headers: { 'x-a': 'a\nb' } }) },
    500,
  ],
  ['a reply that JSON cannot hold', { handler: replying({ status: 200, body: circular }) }, 500],
  ['a reply that throws while it becomes JSON', { handler: replying({ status: 200, body: hostile }) }, 500],
  ['a stream, at once', { handler: replying({ status: 200, stream: boom }) }, 500],
  [
    'a stream, that has begun',
    { handler: replying({ status: 200, stream: (response: Response) => (response.write('x'), boom()) }) },
    'cut',
  ],
  ['the saved session, that JSON cannot hold', { handler: changing(circular) }, 500],
  ['the saved session, that throws while it becomes JSON', { handler: changing(hostile) }, 500],
  ['the saved session, too deep for its hash', { handler: async (input) => changing(deep(20_000))(input) }, 500],
  [
    'the saved session, with a reply that has failed, too',
    { handler: async (input) => (await changing(circular)(input), boom()) },
    500,
  ],
  ['the session store, that throws while it saves', { set: boom, handler: changing({ a: 1 }) }, 500],
  [
    'the session store, that saves with an error',
    { set: (callback) => callback(new Error('boom')), handler: changing({ a: 1 }) },
    200,
  ],
  ['the log of a failure', { log: boom, handler: boom }, 500],
];

/** A session id as express-session signs it. */
function signed(): string {
  // oxlint-disable-next-line typescript/no-require-imports
  const { sign } = require('cookie-signature') as { sign(value: string, secret: string): string };
  return encodeURIComponent(`s:${sign('0123456789', 'only for a test')}`);
}

it.each(stages)(
  'ends and leaves its place free when this fails: %s',
  async (...[, faults, status, sent]) => {
    const { server, admission } = await start(faults);
    const answer = await send(server, sent);
    expect(answer.status).toBe(status);
    if (typeof status === 'number' && status >= 400) expect(JSON.parse(answer.text)).toMatchObject({ status });
    await eventually(
      async () => admission.state,
      ({ active, waiting, arriving }) => active + waiting + arriving === 0,
    );
    // The process goes on.
    const health = await fetch(`${server.url}/healthz`).catch(() => undefined);
    if (!faults.arrive && !faults.began && !faults.enter) expect(health?.status).toBe(200);
  },
  8_000,
);

it('a session store that never saves costs its client the deadline, and nobody a place', async () => {
  const { server, admission } = await start({ set: () => undefined, handler: changing({ a: 1 }) });
  // express-session sends the beginning of the reply before it has saved; the rest never comes, so the connection is
  // cut.
  expect(['cut', 504]).toContain((await send(server)).status);
  await eventually(
    async () => admission.state.active,
    (active) => active === 0,
  );
}, 8_000);

it('a handler that is late is answered for, frees its place, and what it replies then is dropped', async () => {
  const late: (() => void)[] = [];
  const done: string[] = [];
  const { server, admission } = await start({
    handler: async () => {
      await new Promise<void>((resolve) => late.push(resolve));
      done.push('done');
      return { status: 200, body: { done: true }, headers: { 'x-late': 'yes' } };
    },
  });
  const answers = await Promise.all(Array.from({ length: 3 }, () => send(server)));
  for (const { status, text, headers } of answers) {
    expect(status).toBe(504);
    expect(headers['retry-after']).toBe('1');
    expect(JSON.parse(text)).toMatchObject({
      type: 'urn:longwatch:problem:deadline-exceeded',
      title: 'Deadline exceeded',
      status: 504,
      detail: expect.stringContaining('Repeat it with the same ids'),
    });
  }
  expect(admission.state).toMatchObject({ active: 0, waiting: 0 });
  late.splice(0).forEach((resolve) => resolve());
  await eventually(
    async () => done.length,
    (count) => count === 3,
  );
  const next = send(server);
  await eventually(
    async () => late.length,
    (count) => count === 1,
  );
  late.splice(0).forEach((resolve) => resolve());
  expect((await next).status).toBe(200);
}, 8_000);

it('a stream has no deadline once it has begun', async () => {
  const { server, admission } = await start({
    handler: replying({
      status: 200,
      stream: (response: Response) => (response.write('a'), setTimeout(() => response.end('z'), 3 * DEADLINE_MS)),
    }),
  });
  const answer = send(server);
  await eventually(
    async () => admission.state.active,
    (active) => active === 0,
  );
  expect(await answer).toMatchObject({ status: 200, text: 'az' });
}, 8_000);

describe('the product', () => {
  let graph: TestGraph;
  beforeAll(async () => void (graph = await startTestGraph()), 120_000);
  afterAll(() => graph?.stop());

  it('answers sessions whose data is nested 3,000 deep', async () => {
    const server = await listen(graph.app, { host: '127.0.0.1', port: 0 });
    servers.push(server);
    const body = `{"userId":"ada","data":{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}}}`;
    const [name, value] = bearer('service');
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(`${server.url}/v1/sessions`, {
          method: 'POST',
          body,
          headers: { [name!]: value!, 'content-type': 'application/json' },
          signal: AbortSignal.timeout(10_000),
        }),
      ),
    );
    for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(400);
  });
});
