import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { ChallengerRun } from '../../../src/operations/fraud/challengerRun';
import { ChallengerDifferenceStore } from '../../../src/stores/fraud/challengerDifferences';
import { TRANSACTIONS_STREAM } from '../../../src/domain/fraud/workflows';
import { bearer, startTestGraph, type TestGraph, type Who } from '../../support/graph';
import { startTestKinesis, type TestKinesis } from '../../support/kinesis';
import { payment, type Payment } from '../../support/payment';
import { readAll } from '../../support/shards';

const folder = mkdtempSync(join(tmpdir(), 'longwatch-shadow-'));
let kinesis: TestKinesis;
let graph: TestGraph;

beforeAll(async () => {
  // The model that ships, but one that suspects everybody.
  const model = JSON.parse(readFileSync(join(__dirname, '..', '..', '..', 'model', 'fraud.json'), 'utf8'));
  model.learner.learner_model_param.base_score = '0.9';
  writeFileSync(join(folder, 'strict.json'), JSON.stringify(model));
  kinesis = await startTestKinesis(1);
  graph = await startTestGraph({
    LONGWATCH_CAPABILITIES: 'fraud',
    ...kinesis.environment,
    LONGWATCH_LOCAL_MODELS: `strict=${join(folder, 'strict.json')}`,
  });
});
afterAll(async () => {
  await graph?.stop();
  await kinesis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, who: Who = 'eva') =>
  request(graph.app)
    .get(path)
    .set(...bearer(who));
const put = (body: object, who: Who = 'eva') =>
  request(graph.app)
    .put('/v1/shadow')
    .set(...bearer(who))
    .send(body);
const promote = (ifMatch: string) =>
  request(graph.app)
    .post('/v1/shadow/promote')
    .set(...bearer('eva'))
    .set('if-match', ifMatch);
const decide = async (body: Payment) =>
  (
    await request(graph.app)
      .post('/v1/transactions')
      .set(...bearer('service'))
      .send(body)
      .expect(200)
  ).body;
const bigOnes = {
  bands: [],
  rules: [
    {
      id: 'big',
      when: { field: 'transaction.amount', is: '>', value: 1_000 },
      outcome: 'review',
      reason: 'BIG',
      text: 'big',
    },
  ],
};

it('there is none at first, and a faulty one is refused whole', async () => {
  await get('/v1/shadow').expect(404);
  await get('/v1/shadow/differences').expect(404);
  await promote('"0"').expect(404);
  expect((await put({}).expect(400)).body.detail).toContain('an endpointName, a ruleSet, or both');
  expect((await put({ endpointName: 'nowhere' }).expect(400)).body.errors[0]).toMatchObject({
    field: 'endpointName',
    message: expect.stringContaining('answered 400'),
  });
  expect((await put({ ruleSet: { bands: [], rules: [{ id: 'x' }] } }).expect(400)).body.errors.length).toBeGreaterThan(
    0,
  );
  await put({ endpointName: 'strict' }, 'ana').expect(403);
  await get('/v1/shadow').expect(404);
});

it('rules decide along on both paths, without effect; where they differ is counted and listed', async () => {
  const { body } = await put({ ruleSet: bigOnes }).expect(200);
  const small = Array.from({ length: 3 }, () => payment({ amount: 500 }));
  const big = Array.from({ length: 4 }, () => payment({ amount: 2_500 }));
  for (const one of [...small, ...big.slice(0, 2)])
    expect(await decide(one)).toMatchObject({ outcome: 'approve', ruleSetVersion: 1 });
  await kinesis.put(big.slice(2).map((one) => ({ key: String(one['userId']), data: JSON.stringify(one) })));
  expect((await readAll(graph.consumers[TRANSACTIONS_STREAM]!))[0]!.counts).toEqual({ approve: 2 });
  await decide(big[0]!); // A repetition is no second decision.
  await graph.flush();

  const { body: shown, headers } = await get('/v1/shadow', 'ana').expect(200);
  expect(headers['etag']).toBe(`"${body.version}"`);
  expect(shown).toMatchObject({
    version: body.version,
    ruleSet: bigOnes,
    putBy: 'eva',
    comparison: {
      decisions: 7,
      agreement: 3 / 7,
      pairs: [
        { live: 'approve', shadow: 'approve', decisions: 3 },
        { live: 'approve', shadow: 'review', decisions: 4 },
      ],
      failed: 0,
      dropped: 0,
    },
  });
  const listed: { transactionId: string }[] = [];
  for (let cursor = ''; ;) {
    const { body: page } = await get(`/v1/shadow/differences?limit=3${cursor}`, 'ana').expect(200);
    listed.push(...page.items);
    if (!page.cursor) break;
    cursor = `&cursor=${page.cursor}`;
  }
  expect(listed.map(({ transactionId }) => transactionId).sort()).toEqual(
    big.map(({ transactionId }) => transactionId).sort(),
  );
  expect(listed[0]).toMatchObject({ live: 'approve', shadow: 'review', liveScore: expect.any(Number) });
  await get(`/v1/investigations/${big[0]!.transactionId}`, 'ana').expect(404);
  expect((await request(graph.app).get('/metrics')).text).toContain(
    'longwatch_fraud_shadow_decisions_total{live="approve",shadow="review"} 4',
  );
});

it('a promotion makes its model and its rules live at once, and only what was looked at', async () => {
  const before = (await get('/v1/shadow').expect(200)).headers['etag']!;
  await put({ endpointName: 'strict', ruleSet: bigOnes }).expect(200);
  const { modelVersion } = await decide(payment({ amount: 500 }));
  await graph.flush();
  const { body: shown, headers } = await get('/v1/shadow').expect(200);
  // A comparison of its own.
  expect(shown.comparison.decisions).toBe(1);
  await promote(before).expect(412);
  await request(graph.app)
    .post('/v1/shadow/promote')
    .set(...bearer('eva'))
    .expect(428);
  expect((await decide(payment({ amount: 2_500 }))).outcome).toBe('approve');
  expect((await promote(headers['etag']!).expect(200)).body).toEqual({ ruleSetVersion: 2, endpointName: 'strict' });
  const after = await decide(payment({ amount: 2_500 }));
  expect(after).toMatchObject({ outcome: 'review', ruleSetVersion: 2 });
  expect(after.modelVersion).not.toBe(modelVersion);
  expect(after.score).toBeGreaterThan(0.3);
  await get('/v1/shadow').expect(404);
  await promote(headers['etag']!).expect(404);
});

it('what is taken away decides along no more', async () => {
  await put({ ruleSet: bigOnes }).expect(200);
  for (const _ of [1, 2])
    await request(graph.app)
      .delete('/v1/shadow')
      .set(...bearer('eva'))
      .expect(204);
  await get('/v1/shadow').expect(404);
});

it('a challenger that fails, and too many decisions at once, cost nothing but the comparison', async () => {
  const missed = { failed: 0, dropped: 0 };
  const faults: unknown[] = [];
  const store = new ChallengerDifferenceStore(graph.dynamodb.db);
  const shadow = new ChallengerRun({
    challenger: { peek: () => ({ version: 77, endpoint: { score: () => Promise.reject(new Error('away')) } }) },
    rules: {
      current: () => {
        throw new Error('not reached');
      },
    },
    store,
    onMissed: (why, count) => void (missed[why] += count),
    onFault: (error) => void faults.push(error),
  });
  for (let i = 0; i < 5_007; i++)
    shadow.observe({ input: { features: {} }, record: { decision: { mode: 'full' } } } as never);
  await shadow.flush(true);
  expect(missed).toEqual({ failed: 5_000, dropped: 7 });
  expect(await store.counts(77)).toEqual({ pairs: {}, failed: 5_000, dropped: 7 });
  expect(faults.length).toBeGreaterThan(0);
});
