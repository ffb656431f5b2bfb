import request from 'supertest';
import { parseReading } from '../../src/domain/devices/readingSchema';
import type { Ingest } from '../../src/operations/devices/ingest';
import { mqttReadings } from '../../src/operations/devices/mqttReadings';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph();
  await put('/v1/boards/snake', { operator: 'best' });
});
afterAll(() => graph?.stop());

type Method = 'post' | 'put' | 'patch';
const send = (method: Method, path: string, body: string | object, headers: Record<string, string> = {}) =>
  request(graph.app)
    [method](path)
    .set(...bearer('admin'))
    .set({ 'content-type': 'application/json', ...headers })
    .send(typeof body === 'string' ? body : JSON.stringify(body));
const put = (path: string, body: object) => send('put', path, body);
const now = () => new Date().toISOString();

/** JSON as text: `__proto__` as a literal's key would set the prototype. */
it.each<[string, Method, string, string | object, string, RegExp]>([
  [
    'a body that is nested 3,000 deep',
    'post',
    '/v1/sessions',
    `{"userId":"ada","data":{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}}}`,
    'data.a[0]',
    /nested too deep: at most 32 levels/,
  ],
  [
    'free JSON that is nested deeper than it may be',
    'post',
    '/v1/sessions',
    `{"userId":"ada","data":{"a":${'['.repeat(29)}${']'.repeat(29)}}}`,
    'data',
    /nested too deep: at most 28 levels/,
  ],
  [
    'a reserved name in free JSON',
    'post',
    '/v1/sessions',
    '{"userId":"ada","data":{"a":{"__proto__":{"admin":true}}}}',
    'data.a.__proto__',
    /reserved names/,
  ],
  [
    'a reserved name at the top',
    'post',
    '/v1/sessions',
    '{"userId":"ada","__proto__":{"admin":true}}',
    '__proto__',
    /reserved names/,
  ],
  [
    'an unpaired surrogate in a device name',
    'post',
    '/v1/sessions',
    { userId: 'ada', device: 'Fire\ud800fox' },
    'device',
    /well-formed Unicode/,
  ],
  [
    'a number that DynamoDB does not keep',
    'post',
    '/v1/sessions',
    { userId: 'ada', data: { rate: 1e-200 } },
    'data.rate',
    /1e-130/,
  ],
  [
    '1e999, which JSON.parse makes infinite',
    'post',
    '/v1/sessions',
    '{"userId":"ada","data":{"rate":1e999}}',
    'data.rate',
    /9\.99e125/,
  ],
  [
    'a product named like a part of every object',
    'put',
    '/v1/products/__proto__',
    { title: 'Letters', price: 1, currency: 'EUR' },
    'path.id',
    /not "\.", "\.\.", "__proto__"/,
  ],
  ['the same in a cart', 'put', '/v1/carts/ada/items/constructor', { quantity: 1 }, 'path.productId', /"constructor"/],
  [
    'a line break in a title',
    'put',
    '/v1/products/book',
    { title: 'Let\nters', price: 1, currency: 'EUR' },
    'title',
    /line breaks/,
  ],
  [
    'one name of three in a batch',
    'post',
    '/v1/boards/snake/scores',
    { scores: ['a', '\ud800', 'c'].map((name, i) => ({ submissionId: `s-${i}`, playerId: `p-${i}`, score: 1, name })) },
    'scores[1].name',
    /well-formed/,
  ],
  [
    'a score that is no whole number',
    'post',
    '/v1/boards/snake/scores',
    { submissionId: 's', playerId: 'ada', score: 'seven' },
    'score',
    /must be a whole number/,
  ],
  [
    'a cart change of a wrong size',
    'put',
    '/v1/carts/ada/items/book',
    { add: 0 },
    'add',
    /must be a whole number from -998 to 999, and not 0/,
  ],
  [
    'a control character in a post',
    'post',
    '/v1/posts',
    { authorId: 'ada', text: 'beep\u0007' },
    'text',
    /control characters/,
  ],
  [
    'a note with an unpaired surrogate',
    'post',
    '/v1/investigations/tx-1/note',
    { text: 'x\udc00' },
    'text',
    /well-formed/,
  ],
  [
    'a latitude that underflows',
    'post',
    '/v1/transactions',
    { location: { latitude: 1e-200 } },
    'location.latitude',
    /1e-130/,
  ],
  [
    'rules with an ill-formed text',
    'put',
    '/v1/rules',
    { bands: [], rules: [{ text: '\ud800' }] },
    'rules[0].text',
    /well-formed/,
  ],
])('%s is a 400 that names the field and the rule', async (_, method, path, body, field, message) => {
  const { status, body: problem } = await send(method, path, body, { 'if-match': '"1"' });
  expect([status, problem.errors?.[0]]).toEqual([400, { field, message: expect.stringMatching(message) }]);
  expect(problem.detail).toContain(field);
});

it('a header that is kept has bounds, too', async () => {
  const { status, body } = await send(
    'post',
    '/v1/posts',
    { authorId: 'ada', text: 'x' },
    { 'idempotency-key': 'k'.repeat(256) },
  );
  expect([status, body.errors]).toEqual([
    400,
    [{ field: 'header.Idempotency-Key', message: 'must be 1 to 255 characters' }],
  ]);
});

it('a form is judged as JSON is', async () => {
  const { status, body } = await send('post', '/v1/alerts/none/answer', 'answer=yes&__proto__=x&a=%00', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  expect([status, body.errors?.[0]?.message]).toEqual([400, expect.stringMatching(/reserved|control characters/)]);
});

it('of a refused batch of scores none counts', async () => {
  expect(
    (
      await request(graph.app)
        .get('/v1/boards/snake/top')
        .set(...bearer('admin'))
    ).body.entries,
  ).toEqual([]);
});

describe('readings are judged one by one: a wrong one keeps none of its neighbours out', () => {
  const good = (t: number) => ({ timestamp: now(), metrics: { t } });
  const wrong: [string, string][] = [
    ['status', `{"timestamp":"${now()}","status":"on\\ud800"}`],
    ['metrics.t', `{"timestamp":"${now()}","metrics":{"t":5e-324}}`],
    ['metrics.__proto__', `{"timestamp":"${now()}","metrics":{"__proto__":1,"t":1}}`],
    ['metrics.constructor', `{"timestamp":"${now()}","metrics":{"constructor":1,"t":1}}`],
    ['metrics.t', `{"timestamp":"${now()}","metrics":{"t":"a\\u0000"}}`],
  ];

  it('over HTTP', async () => {
    const { status, body } = await send(
      'post',
      '/v1/devices/edge/readings',
      `{"readings":[${JSON.stringify(good(1))},${wrong.map(([, text]) => text).join(',')},${JSON.stringify(good(2))}]}`,
    );
    expect([status, body.stored, body.rejected]).toEqual([207, 2, wrong.length]);
    expect(body.results.slice(1, -1).map(({ errors }: { errors: { field: string }[] }) => errors[0]?.field)).toEqual(
      wrong.map(([field]) => field),
    );
  });

  it('over MQTT, where the device is told why', async () => {
    const stored: unknown[] = [];
    const ingest: Pick<Ingest, 'store'> = {
      store: async (arrivals) =>
        arrivals.map(({ deviceId, input }) => {
          const reading = parseReading(deviceId, input, { now: Date.now(), lateWindowMs: 86_400_000 });
          if (Array.isArray(reading)) return { status: 'rejected', errors: reading };
          stored.push(reading);
          return { status: 'stored', readingId: 'r' };
        }),
    };
    const { take } = mqttReadings({
      ingest,
      keep: () => Promise.reject(new Error('nothing here is a dead letter')),
      onFault: () => undefined,
    });
    const messages = [JSON.stringify(good(1)), ...wrong.map(([, text]) => text), JSON.stringify(good(2))].map(
      (text) => ({ topic: 'devices/edge/readings', payload: Buffer.from(text) }),
    );
    const answers = await take(messages);
    expect(stored).toHaveLength(2);
    expect(
      answers?.map(
        ({ payload }) => (JSON.parse(Buffer.from(payload).toString()) as { detail: string }).detail.split(' ')[0],
      ),
    ).toEqual(wrong.map(([field]) => field));
  });
});
