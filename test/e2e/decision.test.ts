import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { payment as anyPayment } from '../support/payment';
import { eventually, removeDataDir, type RunningStack, startLongwatch } from '../support/stack';

/** Of one customer, unless a test says otherwise. */
const payment = (over: Record<string, unknown> = {}) => anyPayment({ transactionId: 'tx-1', userId: 'ada', ...over });

// The first start on a machine may build Temporal's server.
const FIRST_START_MS = 15 * 60_000;

describe('a running Longwatch', () => {
  let stack: RunningStack;
  beforeAll(async () => {
    stack = await startLongwatch();
  }, FIRST_START_MS);
  afterAll(async () => {
    await stack.stop();
    removeDataDir(stack.dataDir);
  });

  it('is ready', async () => {
    expect((await stack.get('/readyz')).json).toEqual({
      status: 'ready',
      dynamodb: 'ok',
      temporal: 'ok',
      worker: 'ok',
    });
  });

  it('approves an ordinary payment of a new customer, with the same bytes however often and at once', async () => {
    const first = payment({ transactionId: 'tx-same' });
    const answers = await Promise.all(Array.from({ length: 12 }, () => stack.post('/v1/transactions', first)));
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    expect(answers[0]!.json).toMatchObject({
      outcome: 'approve',
      mode: 'full',
      score: expect.any(Number),
      reasons: [],
    });
  });

  it('refuses the same id with other content', async () => {
    await stack.post('/v1/transactions', payment({ transactionId: 'tx-other' }));
    const answer = await stack.post('/v1/transactions', payment({ transactionId: 'tx-other', amount: 5 }));
    expect(answer.status).toBe(409);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('loses no update of a profile when a customer pays many times at once', async () => {
    // As clients do: repeat the request when it is shed.
    const sent = (of: ReturnType<typeof payment>) =>
      eventually(
        () => stack.post('/v1/transactions', of),
        ({ status }) => status !== 503,
      );
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => sent(payment({ transactionId: `tx-many-${i}`, userId: 'mia' }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    await stack.post('/v1/transactions', payment({ transactionId: 'tx-many-last', userId: 'mia' }));
    expect((await stack.get('/v1/transactions/tx-many-last')).json.features.userCount1h).toBe(20);
  });

  it.each([
    ['an unknown currency', { currency: 'XXQ' }, 'currency'],
    ['an amount that is no integer', { amount: 19.99 }, 'amount'],
    ['a negative amount', { amount: -5 }, 'amount'],
    ['a latitude out of range', { location: { latitude: 91, longitude: 0, country: 'DE' } }, 'location.latitude'],
    ['a timestamp ahead of the clock', { timestamp: new Date(Date.now() + 3_600_000).toISOString() }, 'timestamp'],
    ['a timestamp over 30 days old', { timestamp: new Date(Date.now() - 40 * 86_400_000).toISOString() }, 'timestamp'],
    ['an id with a character outside the set', { userId: 'a#b' }, 'userId'],
    ['a missing merchant', { merchantId: undefined }, 'merchantId'],
  ])('names the field of %s and writes nothing', async (_what, over, field) => {
    const answer = await stack.post('/v1/transactions', payment({ transactionId: 'tx-bad', ...over }));
    expect(answer.status).toBe(400);
    expect(answer.json.errors.map((fault: { field: string }) => fault.field)).toEqual([field]);
    expect((await stack.get('/v1/transactions/tx-bad')).status).toBe(404);
  });

  it('refuses another content type, a body that is no JSON or too large, and callers it does not know', async () => {
    expect(
      (await stack.post('/v1/transactions', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })).status,
    ).toBe(415);
    expect((await stack.post('/v1/transactions', '{"a":')).status).toBe(400);
    expect((await stack.post('/v1/transactions', JSON.stringify({ a: 'x'.repeat(70_000) }))).status).toBe(413);
    expect(
      (await stack.post('/v1/transactions', payment(), { authorization: 'Bearer nobody-knows-this' })).status,
    ).toBe(401);
  });

  it('opens a case for what it does not approve, and an investigator closes it as fraud', async () => {
    const suspicious = payment({ transactionId: 'tx-case', userId: 'eve', amount: 450_000 });
    const decided = await stack.post('/v1/transactions', suspicious);
    expect(decided.json).toMatchObject({ outcome: expect.stringMatching(/review|block/), investigationId: 'tx-case' });

    await eventually(
      () => stack.get('/v1/investigations/tx-case'),
      ({ json }) => json.status === 'waiting',
    );
    const first = await stack.post('/v1/investigations/tx-case/decide', {
      decision: 'fraud',
      note: 'the customer called',
    });
    // The amount is over the four-eyes limit: one person only proposes.
    expect(first.json.status).toBe('proposed');
    const again = await stack.post('/v1/investigations/tx-case/decide', { decision: 'fraud', note: 'once more' });
    expect(again.status).toBe(409);
    expect(again.json.detail).toContain('another person must decide');
  });

  it('closes a small case with one decision, labels the payment and holds the user', async () => {
    await stack.post('/v1/transactions', payment({ transactionId: 'tx-small', userId: 'kim' }));
    expect((await stack.post('/v1/investigations', { transactionId: 'tx-small' })).status).toBe(201);
    await eventually(
      () => stack.get('/v1/investigations/tx-small'),
      ({ json }) => json.status === 'waiting',
    );
    const closed = await stack.post('/v1/investigations/tx-small/decide', { decision: 'fraud' });
    expect(closed.json).toMatchObject({ status: 'closed-fraud' });
    const { json: found } = await stack.get('/v1/investigations/tx-small');
    expect(found.timeline.map(({ kind }: { kind: string }) => kind)).toEqual(['opened', 'scored', 'review', 'closed']);
    expect((await stack.get('/v1/transactions/tx-small')).json).toMatchObject({ hold: 'final', label: 'fraud' });
    const later = await stack.post('/v1/transactions', payment({ transactionId: 'tx-small-2', userId: 'kim' }));
    expect(later.json.outcome).toBe('review');
    expect(later.json.reasons.map(({ code }: { code: string }) => code)).toContain('USER_HELD');
  });

  it('replaces the rules only with good ones, and only those that were read', async () => {
    const put = (body: unknown, etag: string) =>
      fetch(`${stack.url}/v1/rules`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${stack.key}`, 'content-type': 'application/json', 'if-match': etag },
        body: JSON.stringify(body),
      });
    const before = await stack.get('/v1/rules');
    const etag = before.headers.get('etag')!;
    const bad = await put(
      {
        bands: [],
        rules: [{ id: 'a', when: { field: 'amuont', is: '>', value: 1 }, outcome: 'block', reason: 'X_Y', text: 't' }],
      },
      etag,
    );
    expect(bad.status).toBe(400);
    expect(await bad.text()).toContain('did you mean');
    expect((await put(before.json.ruleSet, '"99"')).status).toBe(412);
    expect((await put(before.json.ruleSet, etag)).status).toBe(200);
    expect((await stack.get('/v1/rules')).json.version).toBe(before.json.version + 1);
  });

  it('documents every route', async () => {
    const { json } = await stack.get('/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    expect(Object.keys(json.paths)).toEqual(
      expect.arrayContaining(['/v1/transactions', '/v1/rules', '/v1/investigations/{id}/decide']),
    );
  });
});

it(
  'keeps its data over a restart, and leaves no process behind',
  async () => {
    const first = await startLongwatch();
    await first.post('/v1/transactions', payment({ transactionId: 'tx-kept' }));
    const before = (await first.get('/v1/transactions/tx-kept')).text;
    expect(await first.stop()).toBe(0);
    const second = await startLongwatch({}, first.dataDir);
    expect((await second.get('/v1/transactions/tx-kept')).text).toBe(before);
    expect(await second.stop()).toBe(0);
    const left = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(first.dataDir));
    expect(left).toEqual([]);
    removeDataDir(first.dataDir);
  },
  FIRST_START_MS,
);

it('says in a sentence when the data folder cannot be made', async () => {
  await expect(startLongwatch({}, join(__dirname, 'decision.test.ts', 'data'))).rejects.toThrow(
    /is a file or inside a file.*Set LONGWATCH_DATA_DIR/s,
  );
});
