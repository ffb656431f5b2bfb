import fc from 'fast-check';
import request from 'supertest';
import { createServer, type Server } from 'node:http';
import { simulate } from '../../../src/domain/fraud/simulation';
import type { Transaction } from '../../../src/domain/fraud/transaction';
import { DecisionStore } from '../../../src/stores/fraud/decisions';
import { endApi, startApi } from '../../support/api';
import { bodyOf, decidedOf } from '../../support/decided';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';
import { payment, type Payment } from '../../support/payment';
import { whileRefusing } from '../../support/refusals';

const DAY = 86_400_000;
/** Decides payments that are sent at the same time. */
let together: TestGraph;
/** Decides the same payments one after another. Its results are the expected ones. */
let alone: TestGraph;
const servers: Server[] = [];

beforeAll(async () => {
  [together, alone] = (await Promise.all([0, 1].map(() => startTestGraph({ LONGWATCH_CAPABILITIES: 'fraud' })))) as [
    TestGraph,
    TestGraph,
  ];
  for (const { app } of [together, alone]) {
    const server = createServer(app);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});
afterAll(async () => {
  for (const server of servers) server.close();
  await Promise.all([together, alone].map((graph) => graph?.stop()));
});

const post = (graph: TestGraph, body: object) =>
  request(graph === together ? servers[0]! : servers[1]!)
    .post('/v1/transactions')
    .set(...bearer('service'))
    .send(body);
let run = 0;
it('payments of many users at once are decided as one after another, and repetitions get the same bytes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({ seed: fc.nat(1_000), customers: fc.integer({ min: 2, max: 25 }), repeats: fc.nat(2) }),
      async ({ seed, customers, repeats }) => {
        const all = [
          ...simulate({
            seed,
            customers,
            merchants: 4,
            days: 4,
            start: Math.floor(Date.now() / DAY - 6) * DAY,
            fraudRate: 0.05,
            prefix: `grouped${++run}-`,
          }),
        ].map(({ transaction }) => transaction);
        const byUser = new Map<string, Transaction[]>();
        for (const one of all) byUser.set(one.userId, [...(byUser.get(one.userId) ?? []), one]);
        const answers = new Map<string, Set<string>>();
        // Each user pays one after another; the users pay at the same time, and some requests are sent again.
        await Promise.all(
          [...byUser.values()].map(async (payments) => {
            for (const one of payments) {
              const sent = Array.from({ length: 1 + repeats }, () => post(together, bodyOf(one)).expect(200));
              answers.set(one.transactionId, new Set((await Promise.all(sent)).map(({ text }) => text)));
            }
          }),
        );
        for (const texts of answers.values()) expect(texts.size).toBe(1);
        for (const one of all) await post(alone, bodyOf(one)).expect(200);
        expect(await decidedOf(together.dynamodb.db, all)).toEqual(await decidedOf(alone.dynamodb.db, all));
      },
    ),
    { numRuns: 4 },
  ));

it('payments at once share calls: fewer reads, calls of the model and writes than payments', async () => {
  const bodies = Array.from({ length: 60 }, () => payment());
  together.model.requests = 0;
  const { BatchGetItem = 0, TransactWriteItems = 0 } = await together.callsOf(() =>
    Promise.all(bodies.map((body) => post(together, body).expect(200))),
  );
  for (const calls of [BatchGetItem, TransactWriteItems, together.model.requests]) {
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThan(45);
  }
});

it('a payment that DynamoDB refuses is refused alone, and costs its neighbours one more write', async () => {
  const bodies = Array.from({ length: 40 }, (_, i) => payment(i === 17 ? { transactionId: 'refused-17' } : {}));
  let writes = 0;
  const answers = await whileRefusing(
    ({ operation, text }) => operation === 'TransactWrite' && ++writes > 0 && text.includes('refused-17'),
    () => Promise.all(bodies.map((body) => post(together, body))),
  );
  expect(answers.map(({ status }) => status)).toEqual(bodies.map((_, i) => (i === 17 ? 422 : 200)));
  // At most a group for each payment, and each payment once alone.
  expect(writes).toBeLessThanOrEqual(2 * bodies.length);
  await post(together, bodies[17]!).expect(200);
});

it('users whose profiles others write at the same time lose nothing, and neither do their neighbours', async () => {
  const other = await startApi({
    ...together.environment,
    LONGWATCH_MODEL_DEADLINE_MS: '10000',
    LONGWATCH_DECISION_DEADLINE_MS: '20000',
    LONGWATCH_LOG_LEVEL: 'error',
  });
  try {
    const busy = Array.from({ length: 3 }, () => payment().userId);
    const toOther = (body: Payment) =>
      request(other.url)
        .post('/v1/transactions')
        .set(...bearer('service'))
        .send(body);
    const all = Array.from({ length: 60 }, (_, i) => payment(i % 2 ? {} : { userId: busy[i % 3]! }));
    await Promise.all(all.map((body, i) => (i % 4 < 2 ? post(together, body) : toOther(body)).expect(200)));
    const counts = new Map<string, number>();
    for (const { userId } of all) counts.set(userId, (counts.get(userId) ?? 0) + 1);
    const inputs = await new DecisionStore(together.dynamodb.db).inputsOf(
      all.map((body) => ({ ...body, timestamp: 0 }) as never),
    );
    for (const [i, { user, stored }] of inputs.entries()) {
      expect(stored).toBeDefined();
      expect(user.profile.count).toBe(counts.get(all[i]!.userId));
      expect(user.version).toBe(counts.get(all[i]!.userId));
    }
  } finally {
    await endApi(other);
  }
});
