import fc from 'fast-check';
import request from 'supertest';
import { iso } from '../../../src/domain/ids';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';
import { payment, sharpRise } from '../../support/payment';
import { rescoreEntry } from '../../../src/domain/fraud/rescoreEntry';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'fraud' });
});
afterAll(() => graph.stop());

const post = (body: object | string, type = 'application/json') =>
  request(graph.app)
    .post('/v1/transactions')
    .set(...bearer('service'))
    .set('content-type', type)
    .send(body);
const get = (path: string) =>
  request(graph.app)
    .get(path)
    .set(...bearer('service'));

describe('validation', () => {
  const MINUTE = 60_000;
  it.each([
    ['an unknown currency', { currency: 'XXZ' }, 'currency', 'ISO 4217'],
    ['a currency in lower case', { currency: 'eur' }, 'currency', 'upper case'],
    ['an amount that is no integer', { amount: 19.99 }, 'amount', 'minor units'],
    ['a negative amount', { amount: -1 }, 'amount', 'over 0'],
    ['nothing to pay', { amount: 0 }, 'amount', 'over 0'],
    ['an amount as text', { amount: '1999' }, 'amount', 'minor units'],
    [
      'a latitude off the globe',
      { location: { latitude: 91, longitude: 0, country: 'DE' } },
      'location.latitude',
      'between -90 and 90',
    ],
    [
      'a longitude off the globe',
      { location: { latitude: 0, longitude: -180.1, country: 'DE' } },
      'location.longitude',
      'between -180 and 180',
    ],
    [
      'a country that is no code',
      { location: { latitude: 0, longitude: 0, country: 'Germany' } },
      'location.country',
      'alpha-2',
    ],
    ['a timestamp without an offset', { timestamp: '2026-01-31T12:00:00' }, 'timestamp', 'ISO 8601 with an offset'],
    ['a timestamp before 1970', { timestamp: -5 }, 'timestamp', 'ISO 8601 with an offset'],
    ['half a millisecond', { timestamp: 1.5 }, 'timestamp', 'ISO 8601 with an offset'],
    [
      'a timestamp 6 minutes ahead',
      { timestamp: () => Date.now() + 6 * MINUTE },
      'timestamp',
      'at most 5 minutes ahead',
    ],
    [
      'a timestamp 31 days old',
      { timestamp: () => Date.now() - 31 * 24 * 60 * MINUTE },
      'timestamp',
      'at most 30 days old',
    ],
    ['an id with a slash', { userId: 'a/b' }, 'userId', 'letters'],
    ['an id without a letter', { merchantId: '' }, 'merchantId', 'letters'],
    ['an id that is too long', { deviceId: 'x'.repeat(65) }, 'deviceId', '1 to 64 characters'],
    ['a channel that does not exist', { channel: 'fax' }, 'channel', 'must be one of'],
    ['an address that is none', { ip: '300.1.1.1' }, 'ip', 'IPv4 or IPv6'],
    ['a missing field', { currency: undefined }, 'currency', 'is missing'],
    ['a field too many', { amuont: 5 }, '', 'unknown fields: amuont'],
  ])('of %s names the field and what it must be, and writes nothing', async (_, over, field, message) => {
    const body = payment(over);
    if (typeof body['timestamp'] === 'function') body['timestamp'] = (body['timestamp'] as () => number)();
    let answer: request.Response | undefined;
    const calls = await graph.callsOf(async () => (answer = await post(body)));
    const { status, body: problem, headers } = answer!;
    expect(status).toBe(400);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(problem.errors).toEqual([{ field, message: expect.stringContaining(message) }]);
    expect(Object.keys(calls).filter((operation) => operation !== 'BatchGetItem')).toEqual([]);
    if (typeof body.transactionId === 'string')
      expect((await get(`/v1/transactions/${body.transactionId}`)).status).toBe(404);
  });

  it('reports every fault of a body at once', async () => {
    const { body } = await post({ ...payment({ amount: -1, currency: 'EURO' }), deviceId: 7 });
    expect(body.errors.map(({ field }: { field: string }) => field).sort()).toEqual(['amount', 'currency', 'deviceId']);
  });

  it('answers any JSON with a decision or problem details, never with a fault of its own', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.jsonValue(),
          fc
            .record({ key: fc.constantFrom(...Object.keys(payment())), value: fc.jsonValue() })
            .map(({ key, value }) => payment({ [key]: value })),
        ),
        async (body) => {
          const { status } = await post(JSON.stringify(body));
          expect([200, 400]).toContain(status);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each([
    ['another content type', () => post('a=b', 'application/x-www-form-urlencoded'), 415, 'must be application/json'],
    ['a body that stops short', () => post('{"a":'), 400, 'not valid JSON'],
    ['a body that is too large', () => post(JSON.stringify({ a: 'x'.repeat(70_000) })), 413, 'larger than'],
    [
      'no body',
      () =>
        request(graph.app)
          .post('/v1/transactions')
          .set(...bearer('service')),
      400,
      'is missing; send JSON',
    ],
    [
      'a method that is not there',
      () =>
        request(graph.app)
          .delete('/v1/transactions')
          .set(...bearer('service')),
      405,
      'Allowed: POST',
    ],
    ['a path that is not there', () => get('/v1/transaction'), 404, '/openapi.json'],
    ['a path that is no text', () => get('/v1/transactions/%ff'), 400, ''],
    ['an id that cannot be', () => get('/v1/transactions/a%2Fb'), 400, 'path.id'],
  ])('answers %s', async (_, send, status, detail) => {
    const answer = await send();
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      status,
      detail: expect.stringContaining(detail),
      instance: `urn:longwatch:request:${answer.headers['x-request-id']}`,
    });
  });
});

describe('a decision', () => {
  it('is the same bytes for every repetition, in whatever order its fields come, also at once', async () => {
    const body = payment();
    const reversed = Object.fromEntries(Object.entries(body).toReversed());
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => post(i % 2 ? body : reversed)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(11);
    expect((await post({ ...body, amount: 2000 })).status).toBe(409);
  });

  it('of a transaction that has grown old is found again by a repetition', async () => {
    const body = payment({ timestamp: iso(Date.now() - 29 * 86_400_000) });
    const { text } = await post(body);
    jest.useFakeTimers({
      doNotFake: [
        'nextTick',
        'setImmediate',
        'setTimeout',
        'clearTimeout',
        'setInterval',
        'clearInterval',
        'queueMicrotask',
        'performance',
      ],
      now: Date.now() + 10 * 86_400_000,
    });
    try {
      expect((await post(body)).text).toBe(text);
      expect((await post({ ...body, transactionId: 'too-old' })).status).toBe(400);
    } finally {
      jest.useRealTimers();
    }
  });

  it('says outcome, score, reasons, mode and latency', async () => {
    expect((await post(payment())).body).toMatchObject({
      outcome: 'approve',
      score: expect.any(Number),
      mode: 'full',
      reasons: expect.any(Array),
      latencyMs: expect.any(Number),
      ruleSetVersion: expect.any(Number),
      modelVersion: expect.stringMatching(/^fraud-/),
    });
  });

  it('costs one batch of reads, one call of the model and one transaction', async () => {
    const body = payment();
    graph.model.requests = 0;
    expect(await graph.callsOf(() => post(body))).toEqual({ BatchGetItem: 1, TransactWriteItems: 1 });
    expect(graph.model.requests).toBe(1);
  });

  it('counts what a shadow rule would have hit, and lets it decide nothing', async () => {
    const { body: before, headers } = await request(graph.app)
      .get('/v1/rules')
      .set(...bearer('eva'));
    const shadow = {
      id: 'tried-out',
      when: { field: 'transaction.merchantId', is: '==', value: 'shadowed' },
      outcome: 'block',
      reason: 'TRIED_OUT',
      text: 'only tried out',
      shadow: true,
    };
    const set = { ...before.ruleSet, rules: [...before.ruleSet.rules, shadow] };
    await request(graph.app)
      .put('/v1/rules')
      .set(...bearer('eva'))
      .set('if-match', headers['etag']!)
      .send(set)
      .expect(200);
    const { body } = await post(payment({ merchantId: 'shadowed' }));
    expect([body.outcome, body.ruleSetVersion]).toEqual(['approve', before.version + 1]);
    expect((await get('/metrics')).text).toContain('longwatch_fraud_shadow_hits_total{rule="tried-out"} 1\n');
  });

  it('loses no profile update of one user, however many come at once', async () => {
    const { userId } = payment();
    await Promise.all(Array.from({ length: 20 }, () => post(payment({ userId })).expect(200)));
    const { body } = await post(payment({ userId }));
    const { body: found } = await get(`/v1/transactions/${body.transactionId}`);
    expect(found.features.userCount1h).toBe(20);
  });
});

describe('without the model', () => {
  afterEach(async () => {
    graph.model.behaviour = undefined;
    // One good call closes the circuit again.
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    await post(payment());
  });

  it('rules alone decide, the answer says why, and the re-score is owed', async () => {
    for (const [behaviour, because] of [
      [{ status: 424 as const }, 'model-error'],
      [{ status: 503 as const }, 'model-error'],
      [{ body: '{"predictions":[{"score":7}]}' }, 'model-nonsense'],
      [{ reset: true }, 'model-unreachable'],
    ] as const) {
      graph.model.behaviour = behaviour;
      const { body } = await post(payment({ amount: 500 }));
      expect(body).toMatchObject({
        mode: 'degraded',
        degradedBecause: because,
        score: null,
        modelVersion: null,
        outcome: 'approve',
      });
    }
    const { body: large } = await post(payment({ amount: 900_000 }));
    expect(large).toMatchObject({
      mode: 'degraded',
      outcome: 'review',
      reasons: [{ code: 'UNKNOWN_USER_LARGE_AMOUNT' }],
    });
  });

  it('a dead endpoint is spared after five failures, and asked again later', async () => {
    graph.model.behaviour = { status: 500 };
    for (let i = 0; i < 5; i++) await post(payment());
    graph.model.requests = 0;
    const { body } = await post(payment());
    expect(body).toMatchObject({ mode: 'degraded', degradedBecause: 'circuit-open' });
    expect(graph.model.requests).toBe(0);
  });

  it('a debt is paid once the model is back: an approval that should have been worse gets a case', async () => {
    const { usual, sharp } = sharpRise();
    for (const one of usual) await post(one);
    graph.model.behaviour = { status: 500 };
    const ids: string[] = [];
    for (const one of sharp) {
      const { body } = await post(one);
      if (body.outcome === 'approve') ids.push(body.transactionId);
    }
    graph.model.behaviour = undefined;
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    const entries = ids.map((id) => rescoreEntry(id, 0));
    await graph.outbox.dispatch(entries);
    await graph.outbox.dispatch(entries); // A second dispatch changes nothing.
    const found = await Promise.all(ids.map((id) => get(`/v1/transactions/${id}`)));
    for (const { body } of found) {
      expect(body.rescored).toMatchObject({ score: expect.any(Number) });
      const { status } = await request(graph.app)
        .get(`/v1/investigations/${body.decision.transactionId}`)
        .set(...bearer('ana'));
      expect(status).toBe(body.rescored.outcome === 'approve' ? 404 : 200);
    }
    expect(found.some(({ body }) => body.rescored.outcome !== 'approve')).toBe(true);
  });
});

describe('with a deadline', () => {
  let hasty: TestGraph;
  beforeAll(async () => {
    hasty = await startTestGraph({
      LONGWATCH_CAPABILITIES: 'fraud',
      LONGWATCH_MODEL_DEADLINE_MS: '300',
      LONGWATCH_DECISION_DEADLINE_MS: '20000',
    });
    await hasty.warmUp();
  });
  afterAll(() => hasty.stop());
  const send = (body: object) =>
    request(hasty.app)
      .post('/v1/transactions')
      .set(...bearer('service'))
      .send(body);

  it.each([
    ['a slow answer', { delayMs: 60_000 }],
    ['no answer', { hang: 'answer' as const }],
    ['half an answer', { hang: 'body' as const }],
  ])('the rules decide after %s of the model, in time', async (_, behaviour) => {
    hasty.model.behaviour = behaviour;
    const { status, body } = await send(payment());
    expect(status).toBe(200);
    expect(body).toMatchObject({ mode: 'degraded', degradedBecause: 'model-late' });
    // At least what the model was given, far less than it would have taken.
    expect(body.latencyMs).toBeGreaterThanOrEqual(299);
    expect(body.latencyMs).toBeLessThan(20_000);
  });

  it('DynamoDB away: 503 with when to retry, nothing half-written, and the retry decides', async () => {
    hasty.model.behaviour = undefined;
    const body = payment();
    hasty.wire.cut();
    const away = await send(body);
    expect(away.status).toBe(503);
    expect(away.headers['retry-after']).toBe('1');
    expect(away.body.detail).toContain('retry with the same id');
    expect((await request(hasty.app).get('/readyz')).body).toMatchObject({ dynamodb: 'unavailable' });
    hasty.wire.mend();
    expect(
      (
        await request(hasty.app)
          .get(`/v1/transactions/${body.transactionId}`)
          .set(...bearer('service'))
      ).status,
    ).toBe(404);
    expect((await send(body)).status).toBe(200);
  });
});

it('Temporal away: the decision is given, and the case is there and owed its start', async () => {
  const body = payment({ amount: 900_000 });
  const { body: decision, status } = await post(body);
  expect(status).toBe(200);
  expect(decision).toMatchObject({
    outcome: expect.stringMatching(/review|block/),
    investigationId: body.transactionId,
  });
  const { body: found } = await request(graph.app)
    .get(`/v1/investigations/${body.transactionId}`)
    .set(...bearer('ana'));
  expect(found).toMatchObject({ status: 'scoring', timeline: [] });
  const decide = await request(graph.app)
    .post(`/v1/investigations/${body.transactionId}/decide`)
    .set(...bearer('ana'))
    .send({ decision: 'fraud' });
  expect(decide.status).toBe(503);
  expect(decide.body.detail).toContain('Temporal is unavailable or did not answer in time');
});
