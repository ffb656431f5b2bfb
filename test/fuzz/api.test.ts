import { Agent, request as httpRequest } from 'node:http';
import fc, { type Arbitrary } from 'fast-check';
import { listen, type Listening } from '../../src/api/http/server';
import { openApiDocument } from '../../src/api/http/openapi';
import { listRoutes } from '../../scripts/routes/list';
import { bearer, startTestGraph, type TestGraph, type Who } from '../support/graph';
import { type Hints, hostile, nearly, valid } from '../support/openapi/arbitraries';
import { ApiDocument, type Operation, type Parameter } from '../support/openapi/document';
import { payment } from '../support/payment';
import { startTestS3, type TestS3 } from '../support/s3';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';
import { startTestWorkers } from '../support/workers';
import { answerLinks } from '../support/secret';

/**
 * Requests a route; many more by FUZZ_RUNS, others by FUZZ_SEED. CI runs this on both engines
 * (jest.dynamodb-local.config.js),
 * each with half of the budget and with requests of its own.
 */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 20);
const SEED =
  Number(process.env['FUZZ_SEED'] ?? 20_261_124) + (process.env['TEST_DYNAMODB_ENGINE'] === undefined ? 0 : 1);
const FIRST_START_MS = 15 * 60_000;

/** Of the document that the running API serves, which is the same; jest wants its tests before anything runs. */
const operations: Operation[] = [];
let graph: TestGraph;
let temporal: TestTemporal;
let s3: TestS3;
let workers: { stop(): Promise<void> };
let api: Listening;
let document: ApiDocument;
const agent = new Agent({ keepAlive: true });

/** What is there, so that a request may mean something. */
const there: Record<string, string[]> = {};

beforeAll(async () => {
  [temporal, s3] = await Promise.all([startTestTemporal(), startTestS3()]);
  graph = await startTestGraph(
    { ...s3.environment, LONGWATCH_DEVICE_CACHE_MS: '1', LONGWATCH_ERASE_AFTER_MS: '2' },
    temporal.address,
  );
  workers = await startTestWorkers(graph, temporal.address);
  await graph.startStandingWorkflows();
  api = await listen(graph.app, { host: '127.0.0.1', port: 0 });
  document = new ApiDocument(
    JSON.parse((await send({ method: 'GET', path: '/openapi.json' })).text) as ConstructorParameters<
      typeof ApiDocument
    >[0],
  );
  await furnish();
}, FIRST_START_MS);

afterAll(async () => {
  agent.destroy();
  await api?.close(100);
  await workers?.stop();
  await graph?.stop();
  await s3?.stop();
  await temporal?.stop();
});

type Caller = Who | 'nobody' | 'guesser';
interface Sent {
  method: string;
  path: string;
  who?: Caller;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}
interface Received {
  status: number;
  contentType: string;
  text: string;
  cookie: string | undefined;
  requestId: string | undefined;
  retryAfter: string | undefined;
}

function send({ method, path, who = 'admin', headers = {}, body }: Sent): Promise<Received> {
  const authorization =
    who === 'nobody' ? {} : { authorization: who === 'guesser' ? 'Bearer not-a-key' : bearer(who)[1] };
  return new Promise((resolve, reject) => {
    // The path as it is: a URL would tidy it up.
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: api.port,
        path,
        method,
        agent,
        headers: {
          ...authorization,
          ...headers,
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        // A stream ends when it is left.
        if (response.headers['content-type']?.startsWith('text/event-stream')) setTimeout(() => response.destroy(), 20);
        response.on('close', () =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            text,
            cookie: response.headers['set-cookie']?.[0]?.split(';')[0],
            requestId: response.headers['x-request-id'] as string | undefined,
            retryAfter: response.headers['retry-after'],
          }),
        );
      },
    );
    request.setTimeout(30_000, () => request.destroy(new Error(`no answer within 30 s to ${method} ${path}`)));
    request.once('error', reject);
    request.end(body);
  });
}

/** A thing of each kind. */
async function furnish(): Promise<void> {
  const call = async (method: string, path: string, body?: object, headers = {}) => {
    const answer = await send({
      method,
      path,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  const suspicious = payment({ transactionId: 'tx-case', userId: 'eve', amount: 450_000 });
  await call('POST', '/v1/transactions', suspicious);
  await call('POST', '/v1/transactions', payment({ transactionId: 'tx-ok', userId: 'ada' }));
  await call('PUT', '/v1/products/book', { title: 'Letters', price: 100, currency: 'EUR', stockOnHand: 1_000 });
  await call('PUT', '/v1/carts/ada/items/book', { quantity: 1 });
  await call('POST', '/v1/carts/ada/checkout', { checkoutId: 'checkout-1' });
  for (const user of ['ada', 'ben']) await call('PUT', `/v1/users/${user}`, { name: user });
  await call('PUT', '/v1/users/ada/following/ben');
  await call('POST', '/v1/posts', { authorId: 'ben', postId: 'post-1', text: 'hello' });
  await call('PUT', '/v1/boards/snake', { operator: 'best' });
  await call('POST', '/v1/boards/snake/scores', { submissionId: 'run-1', playerId: 'ada', score: 7 });
  await call('PUT', '/v1/devices/sensor', { groups: ['hall'] });
  await call('POST', '/v1/devices/sensor/readings', {
    readings: [{ timestamp: new Date().toISOString(), metrics: { t: 1 } }],
  });
  const { cookie } = await call('POST', '/v1/sessions', { userId: 'ada' });
  const sessions = JSON.parse((await call('GET', '/v1/users/ada/sessions')).text) as { items: { handle: string }[] };
  await eventually(
    () => send({ method: 'GET', path: '/v1/investigations/tx-case' }),
    ({ text }) => text.includes('"waiting"') || text.includes('"asking"'),
  );
  const later = Date.now() + 3_600_000;
  Object.assign(there, {
    id: ['tx-case', 'tx-ok', 'book', 'checkout-1', 'post-1'],
    userId: ['ada', 'ben', 'eve'],
    otherId: ['ada', 'ben'],
    productId: ['book'],
    gameId: ['snake'],
    playerId: ['ada', 'ben'],
    deviceId: ['sensor'],
    groupId: ['hall'],
    handle: sessions.items.map(({ handle }) => handle),
    n: ['1', '2'],
    date: [new Date().toISOString().slice(0, 10), new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10)],
    token: [
      answerLinks.link('tx-case', later).split('/').at(-2)!,
      answerLinks
        .link('tx-case', Date.now() - 1_000)
        .split('/')
        .at(-2)!,
    ],
    cookie: [cookie!],
  });
}

const isoAround = fc
  .integer({ min: -20 * 86_400_000, max: 600_000 })
  .map((offset) => new Date(Date.now() + offset).toISOString());
const thing = (kind: string): Arbitrary<string> => fc.nat().map((i) => there[kind]?.[i % there[kind].length] ?? 'none');
const hints: Hints = {
  ...Object.fromEntries(
    ['userId', 'authorId', 'playerId', 'guestId', 'otherId'].map((name) => [name, thing('userId')]),
  ),
  transactionId: fc.oneof(thing('id'), fc.uuid()),
  checkoutId: fc.oneof(thing('id'), fc.uuid()),
  postId: fc.oneof(thing('id'), fc.uuid()),
  replyTo: fc.constant('post-1'),
  merchantId: fc.constantFrom('books-42', 'm-1'),
  currency: fc.constantFrom('EUR', 'USD', 'JPY'),
  country: fc.constantFrom('DE', 'US'),
  timestamp: isoAround,
  at: isoAround,
  endsAt: fc
    .integer({ min: 60_000, max: 90 * 86_400_000 })
    .map((offset) => new Date(Date.now() + offset).toISOString()),
  timeZone: fc.constantFrom('Europe/Berlin', 'UTC', 'America/New_York'),
  quietHours: fc.constantFrom('21:00-08:00', 'none'),
  endpointName: fc.constantFrom('fraud-model', 'another-model'),
};

/** Strings for a query or a path. */
const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
/** What cannot be written in UTF-8 is replaced, as a browser does. */
const encoded = (value: unknown): string => encodeURIComponent(Buffer.from(asText(value).slice(0, 800)).toString());

/** Put behind a path, they make it another's or nobody's. */
const STRAYS = ['%', '%00', '%E0%A4%A', '/', '%2F..%2F'];
const isElsewhere = (path: string): boolean => STRAYS.some((stray) => path.split('?')[0]?.endsWith(stray));

const pathOf = ({ path, parameters }: Operation): Arbitrary<string> =>
  fc
    .tuple(
      ...parameters
        .filter((one) => one.in === 'path')
        .map(({ name, schema }) =>
          fc
            .oneof(
              { weight: 6, arbitrary: thing(name) },
              { weight: 2, arbitrary: valid(schema) },
              { weight: 2, arbitrary: hostile },
            )
            .map((value): [string, string] => [name, encoded(value) || '%20']),
        ),
      fc
        .oneof({ weight: 30, arbitrary: fc.constant('') }, fc.constantFrom(...STRAYS))
        .map((value): [string, string] => ['', value]),
    )
    .map((values) =>
      values.reduce((text, [name, value]) => (name ? text.replace(`{${name}}`, () => value) : text + value), path),
    );

const queryOf = (parameters: readonly Parameter[]): Arbitrary<string> => {
  const known = parameters.filter((one) => one.in === 'query');
  const one = ({ name, schema, required }: Parameter) =>
    fc.oneof(
      { weight: required ? 1 : 4, arbitrary: fc.constant('') },
      { weight: 5, arbitrary: valid(schema, hints).map((value) => `${name}=${encoded(value)}`) },
      hostile.map((value) => `${name}=${encoded(value)}`),
      hostile.map((value) => `${name}=1&${name}=${encoded(value)}`),
      fc.constant(`${name}[a]=1&${name}`),
    );
  const stray = fc.oneof(
    { weight: 8, arbitrary: fc.constant('') },
    fc.constantFrom('__proto__=1', 'constructor[prototype][x]=1', 'a=%', '=', '&&&', 'x=1'),
  );
  return fc.tuple(...known.map(one), stray).map((parts) => parts.filter(Boolean).join('&'));
};

const headersOf = (parameters: readonly Parameter[]): Arbitrary<Record<string, string>> => {
  const values: Record<string, Arbitrary<string>> = {
    'If-Match': fc.constantFrom('"1"', '"2"', '"0"', '*', 'W/"1"', '"99999999999999999999"', '""', '1', '"-1"', '"é"'),
    'Idempotency-Key': fc.oneof(
      fc.constantFrom('key-1', 'key-2', 'a#b', 'é'),
      fc.stringMatching(/^[ -~]{1,80}$/),
      fc.constant('k'.repeat(3_000)),
    ),
  };
  const known = Object.fromEntries(
    parameters.filter((one) => one.in === 'header').map(({ name }) => [name, values[name] ?? fc.constant('1')]),
  );
  const strays = fc.record(
    {
      'x-request-id': fc.constantFrom('r-1', 'x'.repeat(500), 'a b', '{}'),
      'sec-fetch-site': fc.constantFrom('cross-site', 'same-origin'),
      cookie: fc.oneof(
        thing('cookie'),
        fc.constantFrom('longwatch=s%3Aa.b', 'longwatch=%', '__proto__=1; longwatch', 'longwatch=j%3A%7B%7D'),
      ),
      'x-forwarded-for': fc.constantFrom('1.2.3.4', 'garbage, ::1'),
      'accept-encoding': fc.constantFrom('gzip', 'nonsense;q=2'),
      accept: fc.constantFrom('text/html', '*/*', 'nonsense'),
      traceparent: fc.constantFrom('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'garbage'),
    },
    { requiredKeys: [] },
  );
  return fc
    .tuple(fc.record(known, { requiredKeys: [] }), fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, strays))
    .map(([a, b]) => ({ ...b, ...a }));
};

interface Body {
  contentType?: string;
  body?: string;
  encoding?: string;
}

const bodyOf = ({ bodies }: Operation): Arbitrary<Body> => {
  const [schema] = Object.values(bodies);
  if (!schema)
    return fc.oneof(
      { weight: 5, arbitrary: fc.constant({}) },
      fc.constantFrom({ contentType: 'application/json', body: '{"a":' }, { contentType: 'text/plain', body: 'x' }),
    );
  const json = (value: unknown): Body => ({ contentType: 'application/json', body: JSON.stringify(value) ?? 'null' });
  const wrong: Body[] = [
    {},
    { contentType: 'application/json', body: '' },
    { contentType: 'application/json', body: '{"a":' },
    { contentType: 'application/json', body: '{"a":1,"a":2}' },
    {
      contentType: 'application/json',
      body: '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}',
    },
    { contentType: 'application/json', body: '1e999' },
    { contentType: 'application/json', body: '\ufeff{}' },
    { contentType: 'application/json', body: `{"a":"${'x'.repeat(70_000)}"}` },
    { contentType: 'application/json', body: '['.repeat(30_000) },
    { contentType: 'application/json', body: `${'['.repeat(3_000)}${']'.repeat(3_000)}` },
    { contentType: 'application/json', body: `{"data":${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}}` },
    { contentType: 'application/json; charset=utf-7', body: '{}' },
    { contentType: 'application/json; charset=utf-16', body: '{}' },
    { contentType: 'application/json', encoding: 'gzip', body: '{}' },
    { contentType: 'application/json', encoding: 'nonsense', body: '{}' },
    { contentType: 'text/plain', body: 'hello' },
    { contentType: 'application/x-www-form-urlencoded', body: 'answer=yes&a[b]=1&__proto__=x' },
    { contentType: 'multipart/form-data', body: 'x' },
    { contentType: 'nonsense', body: '{}' },
    { body: '{}' },
  ];
  return fc.oneof(
    { weight: 8, arbitrary: valid(schema, hints).map(json) },
    { weight: 6, arbitrary: nearly(schema, hints).map(json) },
    { weight: 2, arbitrary: hostile.map(json) },
    { weight: 3, arbitrary: fc.constantFrom(...wrong) },
  );
};

const caller: Arbitrary<Caller> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Caller>('admin') },
  fc.constantFrom<Caller>('service', 'ada', 'ana', 'eva', 'nobody', 'guesser'),
);

const requestTo = (operation: Operation): Arbitrary<Sent> =>
  fc
    .record({
      path: pathOf(operation),
      query: queryOf(operation.parameters),
      headers: headersOf(operation.parameters),
      content: bodyOf(operation),
      who: caller,
    })
    .map(({ path, query, headers, content, who }) => ({
      method: operation.method,
      path: query ? `${path}?${query}` : path,
      who,
      headers: {
        ...headers,
        ...(content.contentType !== undefined && { 'content-type': content.contentType }),
        ...(content.encoding !== undefined && { 'content-encoding': content.encoding }),
      },
      ...(content.body !== undefined && operation.method !== 'GET' && { body: content.body }),
    }));

const answered = new Map<number, number>();

async function asDocumented(operation: Operation, sent: Sent): Promise<void> {
  // Wrong tokens slow an address down, except for callers whose key was used from it before.
  const received = await send(sent);
  answered.set(received.status, (answered.get(received.status) ?? 0) + 1);
  const { status, text } = received;
  const said = `${sent.method} ${sent.path.slice(0, 300)} as ${sent.who}: ${status} ${text.slice(0, 300)}`;
  if (received.status >= 500) throw new Error(`a fault of ours: ${said}`);
  if (received.requestId === undefined) throw new Error(`no request id: ${said}`);
  if (received.status === 429 && !received.retryAfter) throw new Error(`no Retry-After: ${said}`);
  if (isElsewhere(sent.path) && [400, 404, 405].includes(received.status)) return;
  const fault = document.fault(operation, received);
  if (fault !== undefined) throw new Error(`${fault}\n${said}`);
}

async function list(): Promise<Operation[]> {
  return new ApiDocument(
    openApiDocument(await listRoutes(), '') as unknown as ConstructorParameters<typeof ApiDocument>[0],
  ).operations;
}

it(
  'every route answers whatever it is sent as the document says, and never with a fault of its own',
  async () => {
    operations.push(...(await list()));
    expect(operations.map(({ id }) => id)).toEqual(document.operations.map(({ id }) => id));
    // Each key is known at this address before anybody guesses there.
    for (const who of ['admin', 'service', 'ada', 'ana', 'eva'] as const)
      await send({ method: 'GET', path: '/v1/rules', who });
    const faults: string[] = [];
    for (const operation of operations) {
      const details = await fc.check(
        fc.asyncProperty(requestTo(operation), (sent) => asDocumented(operation, sent)),
        { seed: SEED, numRuns: RUNS, endOnFailure: process.env['FUZZ_SHRINK'] !== '1' },
      );
      if (details.failed)
        faults.push(
          `${operation.method} ${operation.path} (seed ${details.seed}, path ` +
            `${details.counterexamplePath})\n${String(details.errorInstance).slice(0, 900)}\n` +
            JSON.stringify(details.counterexample).slice(0, 500),
        );
    }
    process.stdout.write(
      `${operations.length} routes, ${[...answered.values()].reduce((a, b) => a + b, 0)} requests: ${[...answered]
        .sort(([a], [b]) => a - b)
        .map(([status, count]) => `${status} × ${count}`)
        .join(', ')}\n`,
    );
    expect(faults.join('\n\n')).toBe('');
    // The fuzzing reached past the checks at the edge.
    expect((answered.get(200) ?? 0) + (answered.get(201) ?? 0) + (answered.get(204) ?? 0)).toBeGreaterThan(
      operations.length * RUNS * 0.1,
    );
  },
  30 * 60_000,
);

it('afterwards everything still answers', async () => {
  const ready = await eventually(
    () => send({ method: 'GET', path: '/readyz', who: 'nobody' }),
    ({ status }) => status === 200,
  );
  expect([ready.status, JSON.parse(ready.text)]).toEqual([
    200,
    { status: 'ready', dynamodb: 'ok', temporal: 'ok', worker: 'elsewhere' },
  ]);
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
});
