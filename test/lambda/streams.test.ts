import { PutCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import request from 'supertest';
import { Consumer } from '../../src/operations/platform/streams/consumer';
import { type Folding, foldingHandler } from '../../src/operations/platform/streams/foldingHandler';
import { merchantCounters } from '../../src/operations/fraud/merchantCounters';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { type ItemChange, streamsClient, TableStream } from '../../src/gateways/streams/tableStream';
import { takeChanges, takeKinesis, type TableEvent } from '../../src/lambda/streams';
import { CheckpointStore } from '../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../src/stores/platform/deadLetters';
import { DecisionStore } from '../../src/stores/fraud/decisions';
import { MerchantStore } from '../../src/stores/fraud/merchants';
import { DEVICE_DATA_STREAM } from '../../src/domain/devices/workflows';
import { LEADERBOARD_STREAM } from '../../src/domain/leaderboards/workflows';
import { TRANSACTION_HISTORY_STREAM, TRANSACTIONS_STREAM } from '../../src/domain/fraud/workflows';
import { REGION } from '../support/dynamodb';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { startTestKinesis, STREAM, type TestKinesis } from '../support/kinesis';
import { invocation, kinesisEvents, tableEvents } from '../support/lambdaEvents';
import { payment } from '../support/payment';
import { readAll } from '../support/shards';

let kinesis: TestKinesis;
let graph: TestGraph;
beforeAll(async () => {
  kinesis = await startTestKinesis(2);
  graph = await startTestGraph({
    ...kinesis.environment,
    LONGWATCH_STREAM_BATCH: '20',
    LONGWATCH_STREAM_MODEL_DEADLINE_MS: '20000',
  });
});
afterAll(async () => {
  await graph?.stop();
  await kinesis?.stop();
});

const none = { batchItemFailures: [] };
const consumerOf = <T>(stream: string) => graph.consumers[stream]! as unknown as Consumer<T>;
const changesOf = (table: Parameters<TestGraph['dynamodb']['db']['table']>[0]) =>
  tableEvents(graph.dynamodb.client, graph.dynamodb.endpoint, graph.dynamodb.db.table(table));
const start = Date.now();

describe('a Kinesis event', () => {
  it('is decided as the stream is; a repeated one decides nothing, an undecidable one holds up nothing', async () => {
    const bodies = Array.from({ length: 50 }, () => payment());
    const bad = 'no transaction';
    await kinesis.put(
      [...bodies.slice(0, 25), bad, ...bodies.slice(25), bodies[0]!].map((body) => ({
        key: typeof body === 'string' ? bodies[0]!.userId : body.userId,
        data: typeof body === 'string' ? body : JSON.stringify(body),
      })),
    );
    const events = [...(await kinesisEvents(kinesis.client, STREAM)).values()].filter(
      ({ Records }) => Records.length > 0,
    );
    expect(events.length).toBe(2);
    for (const event of events)
      expect(await takeKinesis(graph, consumerOf(TRANSACTIONS_STREAM), event, invocation())).toEqual(none);
    const store = new DecisionStore(graph.dynamodb.db);
    expect(await store.findAll(bodies.map(({ transactionId }) => transactionId))).toHaveLength(50);
    const { items } = await new DeadLetterStore(graph.dynamodb.db).list(TRANSACTIONS_STREAM, { limit: 10 });
    expect(items.map(({ reason, record }) => [reason, Buffer.from(record).toString()])).toEqual([
      ['is not JSON in UTF-8', bad],
    ]);

    const calls = await graph.callsOf(async () => {
      for (const event of events)
        expect(await takeKinesis(graph, consumerOf(TRANSACTIONS_STREAM), event, invocation())).toEqual(none);
    });
    expect(calls).toEqual({ UpdateItem: events.length }); // Each takes the lease, which tells it that all is done.
    const profile = (await store.inputsOf([{ ...bodies[0]!, timestamp: 0 } as never]))[0]!.user.profile;
    expect(profile.count).toBe(1);
  });

  it('goes on where a shard’s workflow left off, and the other way round', async () => {
    const bodies = Array.from({ length: 6 }, () => payment({ userId: 'ada' }));
    await kinesis.put(bodies.slice(0, 2).map((body) => ({ key: 'ada', data: JSON.stringify(body) })));
    await readAll(graph.consumers[TRANSACTIONS_STREAM]!);
    await kinesis.put(bodies.slice(2, 4).map((body) => ({ key: 'ada', data: JSON.stringify(body) })));
    for (const event of (await kinesisEvents(kinesis.client, STREAM)).values())
      await takeKinesis(graph, consumerOf(TRANSACTIONS_STREAM), event, invocation());
    await kinesis.put(bodies.slice(4).map((body) => ({ key: 'ada', data: JSON.stringify(body) })));
    const reports = await readAll(graph.consumers[TRANSACTIONS_STREAM]!);
    expect(reports.reduce((sum, { records }) => sum + records, 0)).toBe(2);
    expect(
      await new DecisionStore(graph.dynamodb.db).findAll(bodies.map(({ transactionId }) => transactionId)),
    ).toHaveLength(6);
  });

  it('without the time for it is left for the next invocation', async () => {
    const body = payment();
    await kinesis.put([{ key: body.userId, data: JSON.stringify(body) }]);
    const events = [...(await kinesisEvents(kinesis.client, STREAM)).values()];
    const answers = await Promise.all(
      events.map((event) => takeKinesis(graph, consumerOf(TRANSACTIONS_STREAM), event, invocation(0))),
    );
    const sequenceNumber = events
      .flatMap(({ Records }) => Records)
      .find(({ kinesis: { partitionKey } }) => partitionKey === body.userId)!.kinesis.sequenceNumber;
    expect(answers.flatMap(({ batchItemFailures }) => batchItemFailures)).toEqual([{ itemIdentifier: sequenceNumber }]);
    expect(await new DecisionStore(graph.dynamodb.db).find(body.transactionId)).toBeUndefined();
    for (const event of events)
      expect(await takeKinesis(graph, consumerOf(TRANSACTIONS_STREAM), event, invocation())).toEqual(none);
    expect(await new DecisionStore(graph.dynamodb.db).find(body.transactionId)).toBeDefined();
  });
});

describe('an event of a table', () => {
  let run = 0;
  const merchantId = (name: string) => `lambda-${run}-${name}`;
  const write = (count: number, merchants: (i: number) => string) =>
    Promise.resolve().then(async () => {
      for (let i = 0; i < count; i++)
        await graph.dynamodb.db.client.send(
          new PutCommand({
            TableName: graph.dynamodb.db.table('TransactionHistory'),
            Item: {
              UserID: `lambda-user-${run}`,
              TimeTransactionID: `t-${run}-${i}`,
              MerchantID: merchants(i),
              Timestamp: start,
            },
          }),
        );
    });
  const countOf = async (id: string) =>
    (await new MerchantStore(graph.dynamodb.db).read([id]))
      .get(id)!
      .profile.days.reduce((sum, [, count]) => sum + count, 0);
  const merchantsTake = (event: TableEvent) =>
    takeChanges(graph, consumerOf<ItemChange>(TRANSACTION_HISTORY_STREAM), event, invocation());
  /** Only what this test wrote, so that each begins at the last one's end. */
  const fresh = async (): Promise<TableEvent> => {
    const [event] = await changesOf('TransactionHistory');
    return {
      ...event!,
      Records: event!.Records.filter(({ dynamodb }) => dynamodb!.NewImage?.['UserID']?.S === `lambda-user-${run}`),
    };
  };
  beforeEach(async () => {
    run++;
    // What other tests' decisions left on the stream.
    for (const event of await changesOf('TransactionHistory')) await merchantsTake(event);
  });

  it('counts exactly once, however the stream is cut into events, repeated, and raced for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 25 }),
        fc.array(fc.record({ from: fc.nat(24), size: fc.integer({ min: 1, max: 12 }), twiceAtOnce: fc.boolean() }), {
          minLength: 1,
          maxLength: 8,
        }),
        async (count, cuts) => {
          run++;
          await write(count, (i) => merchantId(String(i % 3)));
          const event = await fresh();
          let done = 0; // Lambda hands nothing over before what was not acknowledged.
          for (const { from, size, twiceAtOnce } of [...cuts, { from: 24, size: 25, twiceAtOnce: false }]) {
            const piece = { ...event, Records: event.Records.slice(Math.min(from, done), done + size) };
            const answers = await Promise.all(Array.from({ length: twiceAtOnce ? 2 : 1 }, () => merchantsTake(piece)));
            if (answers.some(({ batchItemFailures }) => batchItemFailures.length === 0))
              done = Math.min(count, done + size);
          }
          expect(await merchantsTake(event)).toEqual({ ...none, state: {} });
          for (let m = 0; m < 3; m++)
            expect(await countOf(merchantId(String(m)))).toBe(
              Array.from({ length: count }, (_, i) => i).filter((i) => i % 3 === m).length,
            );
        },
      ),
      { numRuns: 15 },
    );
  });

  it('fails from the first record that failed on: records before it count, those behind wait, in order', async () => {
    await write(200, (i) => merchantId(String(i)));
    const real = merchantCounters(new MerchantStore(graph.dynamodb.db));
    let broken = true;
    const folding: Folding<ItemChange> = {
      ...real,
      effects: (batch) =>
        broken && batch.some(({ after }) => after?.['MerchantID'] === merchantId('100'))
          ? Promise.reject(new Error('DynamoDB is away'))
          : real.effects(batch),
    };
    const { db, client, endpoint } = graph.dynamodb;
    const consumer = new Consumer<ItemChange>({
      stream: TRANSACTION_HISTORY_STREAM,
      source: new TableStream(
        client,
        streamsClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS }),
        db.table('TransactionHistory'),
      ),
      handler: foldingHandler(folding),
      db,
      checkpoints: new CheckpointStore(db),
      deadLetters: new DeadLetterStore(db),
    });
    const event = await fresh();
    // 80 merchants a batch: the second one fails.
    expect(await takeChanges(graph, consumer, event, invocation())).toEqual({
      batchItemFailures: [{ itemIdentifier: event.Records[80]!.dynamodb!.SequenceNumber }],
      state: {},
    });
    expect([
      await countOf(merchantId('79')),
      await countOf(merchantId('80')),
      await countOf(merchantId('199')),
    ]).toEqual([1, 0, 0]);
    broken = false;
    expect(await takeChanges(graph, consumer, { ...event, Records: event.Records.slice(80) }, invocation())).toEqual({
      ...none,
      state: {},
    });
    expect(await Promise.all(Array.from({ length: 200 }, (_, i) => countOf(merchantId(String(i)))))).toEqual(
      Array.from({ length: 200 }, () => 1),
    );
  });

  it('that does not name its shard is refused, and counts nothing', async () => {
    await write(1, () => merchantId('one'));
    const { shardId: _none, ...event } = await fresh();
    await expect(merchantsTake(event)).rejects.toThrow('give its event source mapping a TumblingWindowInSeconds');
    expect(await countOf(merchantId('one'))).toBe(0);
  });

  it('that ends a window without a record is answered', async () => {
    expect(await merchantsTake({ Records: [], shardId: 'shard-1' })).toEqual({ ...none, state: {} });
  });

  it('feeds ranks and rollups as the workers do', async () => {
    const send = (path: string, body: object, method: 'put' | 'post' = 'post') =>
      request(graph.app)
        [method](path)
        .set(...bearer('admin'))
        .send(body);
    await send('/v1/boards/lambda-game', { operator: 'best' }, 'put').expect(201);
    for (let i = 0; i < 5; i++)
      await send('/v1/boards/lambda-game/scores', { submissionId: `s${i}`, playerId: `p${i}`, score: i * 10 }).expect(
        200,
      );
    const at = Math.floor(Date.now() / 1000) * 1000 - 60_000;
    await send('/v1/devices/lambda-device/readings', {
      readings: [1, 2, 3].map((value, i) => ({
        timestamp: new Date(at + i * 1000).toISOString(),
        metrics: { celsius: value },
      })),
    }).expect((answer) => expect(answer.status).toBeLessThan(300));
    for (let i = 0; i < 2; i++) {
      for (const event of await changesOf('Leaderboard'))
        expect(await takeChanges(graph, consumerOf<ItemChange>(LEADERBOARD_STREAM), event, invocation())).toEqual({
          ...none,
          state: {},
        });
      for (const event of await changesOf('DeviceData'))
        expect(await takeChanges(graph, consumerOf<ItemChange>(DEVICE_DATA_STREAM), event, invocation())).toEqual({
          ...none,
          state: {},
        });
    }
    const { body: ranked } = await request(graph.app)
      .get('/v1/boards/lambda-game/players/p3')
      .set(...bearer('admin'))
      .expect(200);
    expect(ranked).toMatchObject({ rank: 2, score: 30 });
    const { body: rolled } = await request(graph.app)
      .get(`/v1/devices/lambda-device/readings?resolution=1h&limit=2`)
      .set(...bearer('admin'))
      .expect(200);
    expect(JSON.stringify(rolled)).toContain('"count":3');
  });
});
