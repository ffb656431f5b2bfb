import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { DecisionStore } from '../../src/stores/fraud/decisions';
import { MerchantStore } from '../../src/stores/fraud/merchants';
import { merchantTotals } from '../../src/domain/fraud/merchantProfile';
import { investigationId } from '../../src/domain/fraud/workflows';
import { endApi, startApi } from '../support/api';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { keepWorker, type KeptWorker } from '../support/keptWorker';
import { startTestKinesis, type TestKinesis } from '../support/kinesis';
import { merchantDecides } from '../support/merchantRules';
import { payment, type Payment } from '../support/payment';
import { startSilentServer } from '../support/silentServer';
import { eventually } from '../support/stack';
import { resultOf, runsOf, startTestTemporal, type TestTemporal } from '../support/temporal';

const folder = mkdtempSync(join(tmpdir(), 'longwatch-faults-'));
let temporal: TestTemporal;
let kinesis: TestKinesis;
let graph: TestGraph;
let worker: KeptWorker | undefined;
/** What the webhook's receiver got, in the order of arrival, and how many workers had died by then. */
const received: { id: string; deaths: number }[] = [];
let receiver: Server;
/** Kills the worker when this message arrives, before it is answered; once. */
let killOnReceipt: ((id: string) => boolean) | undefined;
let environment: Record<string, string>;

beforeAll(async () => {
  [temporal, kinesis] = await Promise.all([startTestTemporal(), startTestKinesis(2)]);
  receiver = createServer((incoming, answer) => {
    const id = String(incoming.headers['longwatch-notification-id']);
    incoming.resume().on('end', () => {
      received.push({ id, deaths: worker?.deaths() ?? 0 });
      if (killOnReceipt?.(id)) {
        killOnReceipt = undefined;
        worker!.kill();
        return; // Never answered: the sender is dead.
      }
      answer.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  graph = await startTestGraph(
    {
      LONGWATCH_CAPABILITIES: 'fraud',
      LONGWATCH_WEBHOOK_URL: url,
      LONGWATCH_STREAM_BATCH: '20',
      ...kinesis.environment,
    },
    temporal.address,
  );
  environment = {
    ...process.env,
    LONGWATCH_MODEL_DEADLINE_MS: '5000',
    LONGWATCH_DECISION_DEADLINE_MS: '10000',
    LONGWATCH_LOG_LEVEL: 'error',
    ...graph.environment,
  } as Record<string, string>;
  await merchantDecides(graph.app);
  worker = await keepWorker(environment, ['test/support/killedWorker.ts', folder]);
}, 900_000);
afterAll(async () => {
  worker?.stop();
  await graph?.stop();
  await temporal?.stop();
  await kinesis?.stop();
  receiver?.closeAllConnections();
  receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

const read = async (id: string) =>
  (
    await request(graph.app)
      .get(`/v1/investigations/${id}`)
      .set(...bearer('ana'))
  ).body;
const transactionOf = async (id: string) =>
  (
    await request(graph.app)
      .get(`/v1/transactions/${id}`)
      .set(...bearer('service'))
  ).body;
const send = (body: object) =>
  request(graph.app)
    .post('/v1/transactions')
    .set(...bearer('service'))
    .send(body);
const historyOf = (id: string) => graph.temporal.client.workflow.getHandle(investigationId(id)).fetchHistory();
/** One investigation: one run ever, by Temporal's own records. */
const receivedOf = (transactionId: string) => received.filter(({ id }) => id.startsWith(`${transactionId}.`));

/** Without what is a case's own: its names and its times, in fields and in sentences. */
const comparable = (value: unknown, { transactionId, userId }: Payment) =>
  JSON.parse(
    JSON.stringify(value)
      .replaceAll(transactionId, '<transaction>')
      .replaceAll(userId, '<user>')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'),
  ) as unknown;

/** Opens a blocked payment's case, has two people see to it, and tells how it ended. */
async function throughItsLife(of: Payment) {
  const { transactionId } = of;
  expect((await send(of)).body.outcome).toBe('block');
  await eventually(
    () => read(transactionId),
    ({ status }) => status === 'waiting',
  );
  // Who gets no answer because the worker died asks again under the same key: it stays one request.
  const ask = (what: string, body: object) =>
    eventually(
      () =>
        request(graph.app)
          .post(`/v1/investigations/${transactionId}/${what}`)
          .set(...bearer('ana'))
          .set('idempotency-key', `${what}-${transactionId}`)
          .send(body),
      ({ status }) => status !== 503,
    );
  const noted = await ask('note', { text: 'called the customer' });
  expect([noted.status, noted.body.detail]).toEqual([200, undefined]);
  const decided = await ask('decide', { decision: 'fraud' });
  expect([decided.status, decided.body.detail]).toEqual([200, undefined]);
  await resultOf(graph.temporal.client, investigationId(transactionId));
  // The model's score depends on the time of the payment, which is the case's own.
  const { timeline, score: _, ...header } = await read(transactionId);
  const { outcome, label, hold: holdOfPayment } = await transactionOf(transactionId);
  // Whether the model answered in time depends on how busy the machine is, so that text is not compared.
  const kinds = timeline.map(({ kind, text }: { kind: string; text: string }) =>
    kind === 'scored' ? { kind } : { kind, text },
  );
  const { body: hold } = await request(graph.app)
    .get(`/v1/users/${of.userId}/hold`)
    .set(...bearer('ana'));
  return {
    header: comparable(header, of),
    // Scoring and the note may come in either order.
    timeline: (comparable(kinds, of) as { kind: string }[]).sort((a, b) => a.kind.localeCompare(b.kind)),
    transaction: comparable({ outcome, label, holdOfPayment }, of),
    holdOfUser: comparable(hold, of),
    received: [...new Set(receivedOf(transactionId).map(({ id }) => id.replace(transactionId, '')))].sort(),
    runs: await runsOf(graph.temporal.client, investigationId(transactionId)),
  };
}

it('kill -9 of the worker between any two activities of a case: same end, one case, no message twice', async () => {
  const blocked = (name: string) => payment({ transactionId: `tx-${name}`, merchantId: 'block' });
  const expected = await throughItsLife(blocked('undisturbed'));
  expect(expected.runs).toBe(1);
  expect(receivedOf('tx-undisturbed')).toHaveLength(expected.received.length);
  const { events } = await historyOf('tx-undisturbed');
  const activities = events!.filter(({ activityTaskScheduledEventAttributes: scheduled }) => scheduled).length;
  expect(activities).toBeGreaterThanOrEqual(8);
  // All cases at once: each death hits whatever the others are doing, too.
  const cases = Array.from({ length: activities }, (_, n) => blocked(`case-kill-${n + 1}`));
  const ends = await Promise.all(cases.map(throughItsLife));
  for (const [i, end] of ends.entries()) {
    const journal = join(folder, `investigation_${cases[i]!.transactionId}`);
    expect(existsSync(`${journal}.death`)).toBe(true);
    // The activity that Temporal had not heard of ran again.
    expect(readFileSync(`${journal}.log`, 'utf8').trim().split('\n').length).toBeGreaterThan(activities);
    expect(end).toEqual(expected);
  }
  expect(worker!.deaths()).toBe(activities);
  // A copy only where a worker died after the send before it, which a webhook cannot rule out; never a second one for
  // it.
  expect(new Set(received.map((one) => JSON.stringify(one))).size).toBe(received.length);
});

// The attempt of the message is given up after a minute: the shards are read meanwhile.
describe('a worker that dies before a webhook has answered', () => {
  const of = payment({ transactionId: 'tx-twice', merchantId: 'block' });
  beforeAll(async () => {
    const before = worker!.deaths();
    killOnReceipt = (id) => id.startsWith(of.transactionId);
    await send(of);
    await eventually(
      async () => worker!.deaths(),
      (count) => count > before,
    );
  });

  it(
    'kill -9 of the worker while it reads shards: every transaction is decided once, and counted once in every ' +
      'profile',
    async () => {
      const users = Array.from({ length: 12 }, (_, i) => `streamed-${i}`);
      const merchants = ['approve-1', 'approve-2', 'approve-3'];
      const store = new DecisionStore(graph.dynamodb.db);
      const all: Payment[] = [];
      for (const kills of [1, 2]) {
        const bodies = Array.from({ length: 240 }, (_, i) =>
          payment({ userId: users[i % users.length]!, merchantId: i % 80 === 0 ? 'review' : merchants[i % 3]! }),
        );
        all.push(...bodies);
        const before = worker!.deaths();
        await kinesis.put(bodies.map((body) => ({ key: String(body['userId']), data: JSON.stringify(body) })));
        // In the middle of it: some are decided, and most are not.
        const decided = async () => (await store.findAll(bodies.map(({ transactionId }) => transactionId))).length;
        await eventually(decided, (count) => count > 0);
        worker!.kill();
        await eventually(
          async () => worker!.deaths(),
          (count) => count > before,
        );
        expect(await decided()).toBeLessThan(bodies.length);
        await eventually(decided, (count) => count === bodies.length);
        expect(worker!.deaths()).toBe(before + 1);
        expect(all).toHaveLength(240 * kills);
      }
      const reviewed = all.filter(({ merchantId }) => merchantId === 'review');
      for (const { transactionId } of reviewed) {
        await eventually(
          () => read(transactionId),
          ({ status }) => status === 'waiting',
        );
        expect(await runsOf(graph.temporal.client, investigationId(transactionId))).toBe(1);
      }
      const inputs = await store.inputsOf(users.map((userId) => ({ ...payment({ userId }), timestamp: 0 }) as never));
      expect(inputs.map(({ user }) => user.profile.count)).toEqual(users.map(() => all.length / users.length));
      // By the other consumer, whose reader died with the first.
      const sold = async () => {
        const found = await new MerchantStore(graph.dynamodb.db).read(merchants);
        return merchants.map((id) =>
          found.has(id) ? merchantTotals(found.get(id)!.profile, Date.now(), 1, 0).count : 0,
        );
      };
      const expected = merchants.map((id) => all.filter(({ merchantId }) => merchantId === id).length);
      expect(await eventually(sold, (counts) => counts.every((count, i) => count >= expected[i]!))).toEqual(expected);
    },
  );

  it('a webhook may get a message twice, with the same id, when the worker dies; the record is one', async () => {
    const [first, second] = await eventually(
      async () => receivedOf(of.transactionId).map(({ id }) => id),
      ({ length }) => length >= 2,
    );
    expect(second).toBe(first);
    // A block asks the customer first. On record it is one message, and delivered once its second copy is answered.
    const onRecord = async () => {
      const { body } = await request(graph.app)
        .get(`/v1/notifications?recipient=${of.userId}`)
        .set(...bearer('eva'));
      return body.items.filter(({ id }: { id: string }) => id === first);
    };
    const found = await eventually(onRecord, ([one]) => one?.status !== 'pending');
    expect(found).toMatchObject([{ status: 'delivered' }]);
  });
});

describe('kill -9 of the API between the write and the start', () => {
  // A start hangs for as long as the API lives.
  let silence: Awaited<ReturnType<typeof startSilentServer>>;
  beforeAll(async () => {
    silence = await startSilentServer();
  });
  afterAll(() => silence?.close());

  it('the relay starts what is owed, once; the payment system’s retry gets the same bytes', async () => {
    const first = await startApi({ ...environment, TEMPORAL_ADDRESS: silence.address });
    const payments = Array.from({ length: 4 }, () => payment({ merchantId: 'block' }));
    const answers = await Promise.all(
      payments.map((body) =>
        request(first.url)
          .post('/v1/transactions')
          .set(...bearer('service'))
          .send(body)
          .expect(200),
      ),
    );
    // Its start hangs: nobody has begun a case.
    expect(
      await Promise.all(
        payments.map(({ transactionId }) => runsOf(graph.temporal.client, investigationId(transactionId))),
      ),
    ).toEqual([0, 0, 0, 0]);
    await endApi(first);
    for (const { transactionId } of payments)
      await eventually(
        () => read(transactionId),
        ({ status }) => status === 'waiting',
      );
    const second = await startApi({ ...environment, TEMPORAL_ADDRESS: silence.address });
    for (const [i, body] of payments.entries()) {
      const again = await request(second.url)
        .post('/v1/transactions')
        .set(...bearer('service'))
        .send(body)
        .expect(200);
      expect(again.text).toBe(answers[i]!.text);
      expect(await runsOf(graph.temporal.client, investigationId(body.transactionId))).toBe(1);
    }
    await endApi(second);
  });
});
