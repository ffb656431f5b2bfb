import * as fc from 'fast-check';
import request from 'supertest';
import { simulate } from '../../../src/domain/fraud/simulation';
import type { Transaction } from '../../../src/domain/fraud/transaction';
import { DeadLetterStore } from '../../../src/stores/platform/deadLetters';
import { DecisionStore } from '../../../src/stores/fraud/decisions';
import { InvestigationStore } from '../../../src/stores/fraud/investigations';
import { MerchantStore } from '../../../src/stores/fraud/merchants';
import { TRANSACTION_HISTORY_STREAM, TRANSACTIONS_STREAM } from '../../../src/domain/fraud/workflows';
import { bodyOf, decidedOf } from '../../support/decided';
import { eventually } from '../../support/eventually';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';
import { startTestKinesis, type TestKinesis } from '../../support/kinesis';
import { payment, type Payment } from '../../support/payment';
import { readAll, readShard } from '../../support/shards';
import { rescoreEntry } from '../../../src/domain/fraud/rescoreEntry';

const DAY = 86_400_000;
let kinesis: TestKinesis;
/** Reads the stream. */
let streamed: TestGraph;
/** Decides one after the other, over HTTP: what the stream must equal. */
let sequential: TestGraph;

beforeAll(async () => {
  kinesis = await startTestKinesis(2);
  [streamed, sequential] = await Promise.all([
    startTestGraph({
      LONGWATCH_CAPABILITIES: 'fraud',
      ...kinesis.environment,
      LONGWATCH_STREAM_BATCH: '40',
      LONGWATCH_STREAM_MODEL_DEADLINE_MS: '20000',
    }),
    startTestGraph({ LONGWATCH_CAPABILITIES: 'fraud' }),
  ]);
});
afterAll(async () => {
  await streamed?.stop();
  await sequential?.stop();
  await kinesis?.stop();
});

const transactions = () => streamed.consumers[TRANSACTIONS_STREAM]!;
const asRecord = (body: Record<string, unknown>) => ({ key: String(body['userId']), data: JSON.stringify(body) });
const post = (graph: TestGraph, body: object) =>
  request(graph.app)
    .post('/v1/transactions')
    .set(...bearer('service'))
    .send(body);
const counts = (reports: { counts: Record<string, number> }[]) => {
  const sum: Record<string, number> = {};
  for (const { counts: of } of reports)
    for (const [name, count] of Object.entries(of)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};
const letters = async () =>
  (await new DeadLetterStore(streamed.dynamodb.db).list(TRANSACTIONS_STREAM, { limit: 1_000 })).items;

async function outcomeOf(graph: TestGraph, all: readonly Transaction[]) {
  const { decisions, users } = await decidedOf(graph.dynamodb.db, all);
  const merchants = await new MerchantStore(graph.dynamodb.db).read([
    ...new Set(all.map(({ merchantId }) => merchantId)),
  ]);
  return {
    decisions,
    profiles: new Map([...users].map(([id, { profile }]) => [id, profile])),
    merchants: new Map([...merchants].map(([id, { profile }]) => [id, profile])),
  };
}

/** Number of payments in the profile of a payment's user. */
async function paymentsOf(body: Payment): Promise<number> {
  const [inputs] = await new DecisionStore(streamed.dynamodb.db).inputsOf([{ ...body, timestamp: 0 } as never]);
  return inputs!.user.profile.count;
}

let run = 0;
/** Payments of the last weeks, frauds among them, of customers and merchants that no other test knows. */
const simulated = (seed: number, customers: number): Transaction[] =>
  [
    ...simulate({
      seed,
      customers,
      merchants: 6,
      days: 12,
      start: Math.floor(Date.now() / DAY - 14) * DAY,
      fraudRate: 0.05,
      prefix: `run${++run}-`,
    }),
  ].map(({ transaction }) => transaction);

it('decides what comes by the stream as it would have been decided over HTTP, record for record', async () => {
  const all = simulated(1, 10);
  await kinesis.put(all.map((one) => asRecord(bodyOf(one))));
  const reports = await readAll(transactions());
  for (const one of all) await post(sequential, bodyOf(one)).expect(200);
  const [byStream, byRequest] = [await outcomeOf(streamed, all), await outcomeOf(sequential, all)];
  expect(byStream.decisions.size).toBe(all.length);
  expect(byStream).toEqual(byRequest);
  const { approve = 0, alert = 0, review = 0, block = 0 } = counts(reports);
  expect(approve).toBeGreaterThan(0);
  expect(alert + review + block).toBeGreaterThan(0);
  expect(approve + alert + review + block).toBe(all.length);
});

it('the same record any number of times, on either path, is one decision, with one answer on both paths', async () => {
  const body = payment();
  const other = payment({ userId: body.userId });
  await post(streamed, other).expect(200);
  await kinesis.put([body, body, other, body].map(asRecord));
  const first = counts(await readAll(transactions()));
  await kinesis.put([asRecord(body)]);
  const again = counts(await readAll(transactions()));
  expect(first).toEqual({ approve: 1, repeated: 3 });
  expect(again).toEqual({ repeated: 1 });
  const answer = await post(streamed, body).expect(200);
  expect(answer.headers['idempotent-replayed']).toBe('true');
  expect(await paymentsOf(body)).toBe(2);
});

it('a user’s payments on both paths at once are all counted', async () => {
  const { userId } = payment();
  const [byStream, byRequest] = [0, 1].map(() => Array.from({ length: 30 }, () => payment({ userId })));
  await kinesis.put(byStream!.map(asRecord));
  await Promise.all([readAll(transactions()), inUserOrder(byRequest!, (one) => post(streamed, one).expect(200))]);
  expect(await paymentsOf(byStream![0]!)).toBe(60);
});

it('what cannot be decided is kept aside with the reason and the bytes; what follows is decided', async () => {
  const good = payment();
  const taken = payment();
  await post(streamed, taken).expect(200);
  const key = good.userId;
  const bad: Record<string, string | Uint8Array> = {
    'is not JSON in UTF-8': '{"transactionId": ',
    'the record must be a JSON object': '[]',
    ['merchantId must be the id of the merchant who is paid: 1 to 64 characters; ' +
    'amount must be an integer in minor units (1999 for EUR 19.99)']: JSON.stringify({
      ...payment(),
      merchantId: 7,
      amount: 19.99,
    }),
    'the record has unknown fields: colour': JSON.stringify({ ...payment(), colour: 'red' }),
    'this transactionId was decided before with other content': JSON.stringify({ ...taken, amount: 5 }),
  };
  const tooOld = JSON.stringify({ ...payment(), timestamp: '2020-01-01T00:00:00Z' });
  const tooLarge = JSON.stringify({ ...payment(), padding: 'x'.repeat(400_000) });
  const notText = Uint8Array.from([0xff, 0xfe, 0x00]);
  await kinesis.put(
    [...Object.values(bad), tooOld, tooLarge, notText, JSON.stringify(good)].map((data) => ({ key, data })),
  );
  const reports = counts(await readAll(transactions()));
  expect(reports).toEqual({ approve: 1, 'dead letters': 8 });
  const kept = await letters();
  expect(kept.map(({ reason }) => reason)).toEqual([
    ...Object.keys(bad),
    expect.stringMatching(/^timestamp must be at most 30 days old/),
    expect.stringMatching(/^is larger than 65536 bytes: 400\d\d\d$/),
    'is not JSON in UTF-8',
  ]);
  expect(kept.map(({ record }) => Buffer.from(record)).slice(0, 2)).toEqual([
    Buffer.from('{"transactionId": '),
    Buffer.from('[]'),
  ]);
  expect(kept.map(({ isCut }) => isCut === true)).toEqual([false, false, false, false, false, false, true, false]);
});

describe('while the model is away', () => {
  afterEach(() => void (streamed.model.behaviour = undefined));

  it('the rules decide, and what they decided is scored again later', async () => {
    const bodies = Array.from({ length: 5 }, () => payment());
    streamed.model.behaviour = { status: 503 };
    await kinesis.put(bodies.map(asRecord));
    expect(counts(await readAll(transactions()))).toMatchObject({ degraded: 5 });
    streamed.model.behaviour = undefined;
    await streamed.outbox.dispatch(bodies.map(({ transactionId }) => rescoreEntry(transactionId, 0)));
    const found = await new DecisionStore(streamed.dynamodb.db).findAll(
      bodies.map(({ transactionId }) => transactionId),
    );
    expect(found.map(({ decision, rescored }) => [decision.degradedBecause, typeof rescored?.score])).toEqual(
      bodies.map(() => ['model-error', 'number']),
    );
  });

  it('or nothing is decided until it is back, where that is wanted', async () => {
    const patient = await startTestGraph({
      LONGWATCH_CAPABILITIES: 'fraud',
      ...kinesis.environment,
      LONGWATCH_STREAM_WITHOUT_MODEL: 'wait',
    });
    try {
      await readAll(patient.consumers[TRANSACTIONS_STREAM]!);
      const body = payment();
      patient.model.behaviour = { status: 503 };
      await kinesis.put([asRecord(body)]);
      const reading = readAll(patient.consumers[TRANSACTIONS_STREAM]!);
      const before = patient.model.requests;
      await eventually(
        () => patient.model.requests,
        (requests) => requests >= before + 2,
      );
      const store = new DecisionStore(patient.dynamodb.db);
      expect(await store.find(body.transactionId)).toBeUndefined();
      patient.model.behaviour = undefined;
      await reading;
      expect(await store.find(body.transactionId)).toMatchObject({ decision: { mode: 'full' } });
    } finally {
      await patient.stop();
    }
    await readAll(transactions());
  });
});

/** What happens while a file of payments is put on the stream, one thing after each piece of it. */
const trouble = fc.constantFrom('nothing', 'repeat', 'split', 'merge', 'cut', 'zombie', 'over HTTP', 'kill');

it('any mix of duplicates, resharding, kills, zombies and both paths gives what a serial replay gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(trouble, { minLength: 3, maxLength: 6 }),
      fc.integer({ min: 1, max: 1_000 }),
      async (troubles, seed) => {
        const all = simulated(seed, 6);
        const size = Math.ceil(all.length / troubles.length);
        for (const [i, what] of troubles.entries()) {
          const piece = all.slice(i * size, (i + 1) * size);
          const records = piece.map((one) => asRecord(bodyOf(one)));
          // Users' own order is the producers' affair: what came before by the stream is not overtaken over HTTP.
          if (what === 'over HTTP') await readAll(transactions());
          await kinesis.put(what === 'repeat' ? [...records, ...records] : records);
          if (what === 'split' || what === 'merge') await kinesis.reshard(what);
          await during(what, piece);
        }
        await readAll(transactions());
        for (const one of all) await post(sequential, bodyOf(one)).expect(200);
        for (const graph of [streamed, sequential]) await readAll(graph.consumers[TRANSACTION_HISTORY_STREAM]!);
        expect(await outcomeOf(streamed, all)).toEqual(await outcomeOf(sequential, all));
        expect(await openCases(streamed, all)).toEqual(await openCases(sequential, all));
      },
    ),
    { numRuns: 6, endOnFailure: true },
  );
});

/** One piece of the file is on the stream; shards are read while something else happens. */
async function during(what: string, piece: readonly Transaction[]): Promise<void> {
  const killed = new AbortController();
  const attempts = async () => {
    const open = await transactions().openShards();
    const zombies = what === 'zombie' ? open : [];
    return Promise.allSettled(
      [...open, ...zombies].map(({ shardId }) => readShard(transactions(), shardId, killed.signal)),
    );
  };
  if (what === 'cut') {
    // Whatever is under way is lost to us: what was written and not acknowledged, too.
    const attempt = attempts().catch(() => undefined);
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      streamed.wire.cut();
      await new Promise((resolve) => setTimeout(resolve, 5));
      streamed.wire.mend();
    }
    await attempt;
  } else if (what === 'kill') {
    setTimeout(() => killed.abort(), 30);
    await attempts();
  } else if (what === 'over HTTP') {
    // In order for each user, as its stream has them; racing with it.
    await Promise.all([attempts(), inUserOrder(piece, (one) => post(streamed, bodyOf(one)).expect(200))]);
  } else if (what === 'zombie') await attempts();
}

async function inUserOrder<T extends { userId: string }>(
  piece: readonly T[],
  send: (one: T) => PromiseLike<unknown>,
): Promise<void> {
  const users = new Map<string, T[]>();
  for (const one of piece) users.set(one.userId, [...(users.get(one.userId) ?? []), one]);
  await Promise.all(
    [...users.values()].map(async (mine) => {
      for (const one of mine) await send(one);
    }),
  );
}

/** Transactions with a case, which owe or owed a workflow. */
async function openCases(graph: TestGraph, all: readonly Transaction[]): Promise<string[]> {
  const store = new InvestigationStore(graph.dynamodb.db);
  const found = await Promise.all(all.map(({ transactionId }) => store.find(transactionId)));
  return all.flatMap(({ transactionId }, i) => (found[i] ? [transactionId] : []));
}
