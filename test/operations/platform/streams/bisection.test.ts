import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { Consumer } from '../../../../src/operations/platform/streams/consumer';
import { inBatches, type StreamHandler } from '../../../../src/operations/platform/streams/streamHandler';
import type { RecordSource, StreamRecord } from '../../../../src/gateways/streams/source';
import { CheckpointStore } from '../../../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../../../src/stores/platform/deadLetters';
import { startTestDynamoDB, type TestDynamoDB } from '../../../support/dynamodb';
import { whileRefusing } from '../../../support/refusals';

// A record that can never be processed becomes a dead letter with its reason; its neighbours are applied once, in
// order.

type Kind = 'good' | 'unstorable' | 'defect';
let dynamodb: TestDynamoDB;
let letters: DeadLetterStore;
let checkpoints: CheckpointStore;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  letters = new DeadLetterStore(dynamodb.db);
  checkpoints = new CheckpointStore(dynamodb.db);
});
afterAll(() => dynamodb?.stop());

/**
 * Appends the numbers of a batch to one list, in one transaction with the checkpoint; some kinds make the batch fail.
 */
const appending = (stream: string, size: number): StreamHandler<{ n: number; kind: Kind }> => ({
  batches: (records) => inBatches(records, size),
  handle: (batch) => {
    if (batch.some(({ data }) => data.kind === 'defect')) return Promise.reject(new TypeError('x is undefined'));
    const numbers = batch.map(({ data }) => (data.kind === 'unstorable' ? Number.NaN : data.n));
    return Promise.resolve({
      effects: [
        {
          Update: {
            TableName: dynamodb.db.table('Notifications'),
            Key: { Recipient: stream, TimeID: 'seen' },
            UpdateExpression: 'SET Seen = list_append(if_not_exists(Seen, :none), :numbers)',
            ExpressionAttributeValues: { ':none': [], ':numbers': numbers },
          },
        },
      ],
      poison: [],
      counts: { counted: batch.length },
    });
  },
});

const source: RecordSource<{ n: number; kind: Kind }> = {
  readEveryMs: 0,
  listShards: () => Promise.resolve([]),
  shardName: (id) => Promise.resolve(id),
  iterator: () => Promise.reject(new Error('not read')),
  read: () => Promise.reject(new Error('not read')),
  toBytes: (data) => Buffer.from(JSON.stringify(data)),
  fromBytes: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as { n: number; kind: Kind },
};

const recordsOf = (kinds: readonly Kind[]): StreamRecord<{ n: number; kind: Kind }>[] =>
  kinds.map((kind, i) => ({ position: String(i + 1), arrivedAt: Date.now(), data: { n: i + 1, kind } }));

function consumerOf(stream: string, size: number, watch: ConstructorParameters<typeof Consumer>[0]['watch'] = {}) {
  return new Consumer({
    stream,
    source,
    handler: appending(stream, size),
    db: dynamodb.db,
    checkpoints,
    deadLetters: letters,
    watch,
  });
}

async function seenBy(stream: string): Promise<number[]> {
  const { Item } = await dynamodb.db.client.send(
    new GetCommand({ TableName: dynamodb.db.table('Notifications'), Key: { Recipient: stream, TimeID: 'seen' } }),
  );
  return (Item?.['Seen'] as number[] | undefined) ?? [];
}

let run = 0;
const never = new AbortController().signal;

test('whatever is among the records, the good ones count once, in order, and each other one is a letter', async () => {
  const kind = fc.constantFrom<Kind>('good', 'good', 'good', 'unstorable', 'defect');
  await fc.assert(
    fc.asyncProperty(
      fc.array(kind, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 12 }),
      async (kinds, size) => {
        const stream = `s${run++}`;
        const told: string[] = [];
        const consumer = consumerOf(stream, size, { refused: (_, { position }) => told.push(position) });
        expect(await consumer.take('shard', recordsOf(kinds), never)).toEqual({});
        const numbered = kinds.map((one, i) => ({ one, n: i + 1 }));
        const [good, bad] = [
          numbered.filter(({ one }) => one === 'good'),
          numbered.filter(({ one }) => one !== 'good'),
        ];
        expect(await seenBy(stream)).toEqual(good.map(({ n }) => n));
        const { items } = await letters.list(stream, { limit: 100 });
        expect(items.map(({ position }) => Number(position)).sort((a, b) => a - b)).toEqual(bad.map(({ n }) => n));
        expect(told.map(Number)).toEqual(bad.map(({ n }) => n));
        for (const letter of items)
          expect(letter.reason).toMatch(
            /^DynamoDB cannot store it: a number is not finite|^Longwatch could not process it \(TypeError\)/,
          );
        expect((await checkpoints.read(stream, 'shard')).position).toBe(String(kinds.length));
      },
    ),
    { numRuns: 40 },
  );
});

test('re-driven letters are bisected, too: one that still fails holds back no other', async () => {
  const stream = `s${run++}`;
  const consumer = consumerOf(stream, 10);
  const one = (n: number, kind: Kind) => ({
    source: stream,
    shardId: 'shard',
    position: String(n),
    reason: 'x',
    record: source.toBytes({ n, kind }),
    arrivedAt: 0,
    at: 0,
  });
  const kept = [one(1, 'good'), one(2, 'unstorable'), one(3, 'good'), one(4, 'defect')];
  await letters.keep(kept);
  const reasons = await consumer.redrive(kept, never);
  expect(reasons.map((reason) => reason === undefined)).toEqual([true, false, true, false]);
  expect(await seenBy(stream)).toEqual([1, 3]);
  expect((await letters.list(stream, { limit: 10 })).items.map(({ position }) => position)).toEqual(['2', '4']);
});

test('what passes is not taken for poison: the batch comes again whole', async () => {
  const stream = `s${run++}`;
  const away = {
    ...appending(stream, 10),
    handle: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
  };
  const consumer = new Consumer({ stream, source, handler: away, db: dynamodb.db, checkpoints, deadLetters: letters });
  expect((await consumer.take('shard', recordsOf(['good', 'good']), never)).again?.position).toBe('1');
  expect((await letters.list(stream, { limit: 10 })).items).toEqual([]);
});

test('where the letter is refused, too, nothing is lost: the record comes again', async () => {
  const stream = `s${run++}`;
  const taken = await whileRefusing(
    ({ tables }) => tables.includes('DeadLetters'),
    () => consumerOf(stream, 10).take('shard', recordsOf(['good', 'unstorable', 'good']), never),
  );
  expect(taken).toMatchObject({ again: { position: '1' }, error: { type: 'refused' } });
  expect(await consumerOf(stream, 10).take('shard', recordsOf(['good', 'unstorable', 'good']), never)).toEqual({});
  expect(await seenBy(stream)).toEqual([1, 3]);
});

test('a letter is storable whatever its reason and its record hold', async () => {
  const record = Buffer.alloc(500 * 1024, 0xff);
  await letters.keep([
    {
      source: 'odd',
      shardId: 'shard',
      position: '1',
      reason: `\ud800${'x'.repeat(600_000)}`,
      record,
      arrivedAt: 0,
      at: 0,
    },
  ]);
  const [letter] = (await letters.list('odd', { limit: 1 })).items;
  expect(letter).toMatchObject({ isCut: true, reason: expect.stringMatching(/^\ufffdx+$/) });
});
