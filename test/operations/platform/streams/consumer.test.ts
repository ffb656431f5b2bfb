import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { Consumer } from '../../../../src/operations/platform/streams/consumer';
import { foldingHandler, type Folding } from '../../../../src/operations/platform/streams/foldingHandler';
import { merchantCounters } from '../../../../src/operations/fraud/merchantCounters';
import {
  applyHistoryChange,
  emptyMerchantProfile,
  type HistoryRecord,
  type MerchantProfile,
} from '../../../../src/domain/fraud/merchantProfile';
import { LOCAL_CREDENTIALS } from '../../../../src/config/endpoints';
import { type RecordSource, TrimmedError } from '../../../../src/gateways/streams/source';
import { type ItemChange, streamsClient, TableStream } from '../../../../src/gateways/streams/tableStream';
import { CheckpointStore } from '../../../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../../../src/stores/platform/deadLetters';
import { MerchantStore } from '../../../../src/stores/fraud/merchants';
import { REGION, startTestDynamoDB, type TestDynamoDB } from '../../../support/dynamodb';
import { UNTIL_STOPPED_MS } from '../../../support/shards';

const STREAM = 'history';
const HOUR = 3_600_000;
const start = Date.now();
let dynamodb: TestDynamoDB;
let merchants: MerchantStore;
let source: TableStream;
let shardId: string;
/** Merchants of one test are strangers to every other's. */
let run = 0;

beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  merchants = new MerchantStore(dynamodb.db);
  source = new TableStream(
    dynamodb.client,
    streamsClient({ region: REGION, endpoint: dynamodb.endpoint, credentials: LOCAL_CREDENTIALS }),
    dynamodb.db.table('TransactionHistory'),
  );
  shardId = (await source.listShards())[0]!.shardId;
});
afterAll(() => dynamodb?.stop());
beforeEach(() => void run++);

interface Counted {
  consumer: Consumer<ItemChange>;
  trimmed: TrimmedError[];
  deadLetters: number;
}

function consumerOf(over: Partial<ConstructorParameters<typeof Consumer<ItemChange>>[0]> = {}): Counted {
  const counted: Counted = { consumer: undefined as never, trimmed: [], deadLetters: 0 };
  counted.consumer = new Consumer<ItemChange>({
    stream: STREAM,
    source,
    handler: foldingHandler(merchantCounters(merchants)),
    db: dynamodb.db,
    checkpoints: new CheckpointStore(dynamodb.db),
    deadLetters: new DeadLetterStore(dynamodb.db),
    watch: {
      onGap: (error) => void counted.trimmed.push(error),
      batch: ({ deadLetters }) => void (counted.deadLetters += deadLetters),
    },
    ...over,
  });
  return counted;
}

/** The stream, but for what a test does in its place. */
const substitute = (over: Partial<RecordSource<ItemChange>>): RecordSource<ItemChange> => ({
  readEveryMs: source.readEveryMs,
  listShards: () => source.listShards(),
  shardName: (id) => source.shardName(id),
  iterator: (shard, from) => source.iterator(shard, from),
  read: (iterator, limit) => source.read(iterator, limit),
  toBytes: (data) => source.toBytes(data),
  fromBytes: (bytes) => source.fromBytes(bytes),
  ...over,
});

/** Reads until nothing is left. */
async function drain(
  { consumer }: Counted = consumerOf(),
  stopAfterBatches = Number.POSITIVE_INFINITY,
): Promise<number> {
  const stop = new AbortController();
  let batches = 0;
  let before: string | undefined;
  const report = await consumer.consume(shardId, {
    signal: stop.signal,
    forMs: UNTIL_STOPPED_MS,
    heartbeat({ position }) {
      if (position === before || ++batches >= stopAfterBatches) stop.abort();
      before = position;
    },
  });
  return report.records;
}

interface Change {
  merchant: number;
  transaction: number;
  hoursAgo: number;
  label: 'fraud' | 'genuine' | undefined;
  unusualAmount: boolean;
}
const change: fc.Arbitrary<Change> = fc.record({
  merchant: fc.integer({ min: 0, max: 4 }),
  transaction: fc.integer({ min: 0, max: 30 }),
  hoursAgo: fc.integer({ min: 0, max: 60 * 24 }),
  label: fc.constantFrom('fraud', 'genuine', undefined),
  unusualAmount: fc.boolean(),
});

const merchantId = (merchant: number) => `merchant-${run}-${merchant}`;
const table = () => dynamodb.db.table('TransactionHistory');
const put = (Item: Record<string, unknown>) => dynamodb.db.client.send(new PutCommand({ TableName: table(), Item }));

/** Writes the changes one after the other, and folds them as they ought to be counted. */
async function write(changes: readonly Change[]): Promise<Map<string, MerchantProfile>> {
  const expected = new Map<string, MerchantProfile>();
  const items = new Map<number, { merchant: string; record: HistoryRecord }>();
  for (const { merchant, transaction, hoursAgo, label, unusualAmount } of changes) {
    const key = { UserID: `user-${run}`, TimeTransactionID: `t-${transaction}` };
    const known = items.get(transaction);
    const item = known ?? {
      merchant: merchantId(merchant),
      record: { timestamp: start - hoursAgo * HOUR, ...(unusualAmount && { unusualAmount }) },
    };
    const record: HistoryRecord = { ...item.record, ...(label && { label }) };
    if (known && label)
      await dynamodb.db.client.send(
        new UpdateCommand({
          TableName: table(),
          Key: key,
          UpdateExpression: 'SET Label = :label',
          ExpressionAttributeValues: { ':label': label },
        }),
      );
    else if (known) continue;
    else
      await put({
        ...key,
        MerchantID: item.merchant,
        Timestamp: record.timestamp,
        ...(label && { Label: label }),
        ...(unusualAmount && { UnusualAmount: true }),
      });
    items.set(transaction, { merchant: item.merchant, record });
    const before = expected.get(item.merchant) ?? emptyMerchantProfile();
    expected.set(item.merchant, applyHistoryChange(before, { ...(known && { before: known.record }), after: record }));
  }
  return expected;
}

const stored = async (ids: Iterable<string>) =>
  new Map([...(await merchants.read([...ids]))].map(([id, { profile }]) => [id, profile]));

it('counters are what folding every change one by one gives, wherever readers stop, restart and race', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      async (changes, batches) => {
        run++;
        const expected = await write(changes);
        await drain(consumerOf(), batches);
        // Two at once, as when one was believed dead: whoever writes late is fenced off and reads nothing in.
        const both = await Promise.allSettled([drain(), drain()]);
        for (const result of both)
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ type: 'contention' });
        await drain();
        expect(await stored(expected.keys())).toEqual(expected);
      },
    ),
    { numRuns: 15 },
  );
});

it('a merchant that another shard counts too loses nothing to the race', async () => {
  const expected = await write(
    Array.from({ length: 12 }, (_, transaction) => ({
      merchant: 0,
      transaction,
      hoursAgo: 1,
      label: undefined,
      unusualAmount: false,
    })),
  );
  const [id] = expected.keys();
  const real = merchantCounters(merchants);
  let meddled = 0;
  const folding: Folding<ItemChange> = {
    ...real,
    async effects(batch) {
      const effects = await real.effects(batch);
      if (meddled++ < 2) {
        // What a reader of another shard does between our reading and our writing.
        const before = (await merchants.read([id!])).get(id!)!;
        const { Put } = merchants.replace(
          id!,
          before,
          applyHistoryChange(before.profile, { after: { timestamp: start - HOUR } }),
        );
        await dynamodb.db.client.send(new PutCommand(Put!));
      }
      return effects;
    },
  };
  await drain(consumerOf({ handler: foldingHandler(folding) }));
  const days = (await stored([id!])).get(id!)!.days;
  expect(days.reduce((sum, [, count]) => sum + count, 0)).toBe(14);
});

it(
  'records that cannot be processed are kept aside with the reason, and stop nothing, also a hundred and fifty at ' +
    'once',
  async () => {
    const UserID = `user-${run}`;
    for (let i = 0; i < 150; i++)
      await put({ UserID, TimeTransactionID: `bad-${String(i).padStart(3, '0')}`, MerchantID: i, Timestamp: start });
    await put({ UserID, TimeTransactionID: 'bad-time', MerchantID: merchantId(0), Timestamp: 'yesterday' });
    await put({ UserID, TimeTransactionID: 'good', MerchantID: merchantId(0), Timestamp: start });
    const counted = consumerOf();
    expect(await drain(counted)).toBe(152);
    expect(counted.deadLetters).toBe(151);
    const { items: letters } = await new DeadLetterStore(dynamodb.db).list(STREAM, { limit: 1_000 });
    expect(letters).toHaveLength(151);
    expect(letters.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['MerchantID is not a string', 'Timestamp is not a number']),
    );
    expect(source.fromBytes(letters[0]!.record)).toMatchObject({ after: { UserID } });
    expect((await stored([merchantId(0)])).get(merchantId(0))!.days).toEqual([
      [Math.floor(start / 86_400_000), 1, 0, 0, 0],
    ]);
  },
);

it('more merchants than one transaction can hold are counted batch by batch', async () => {
  const ids = Array.from({ length: 230 }, (_, i) => merchantId(i));
  for (const [i, MerchantID] of ids.entries())
    await put({ UserID: `user-${run}`, TimeTransactionID: `t-${i}`, MerchantID, Timestamp: start });
  expect(await drain()).toBe(230);
  for (let i = 0; i < ids.length; i += 100)
    for (const profile of (await stored(ids.slice(i, i + 100))).values()) expect(profile.days).toHaveLength(1);
});

it('a position that the stream no longer keeps is reported, and what is left is read', async () => {
  await write([{ merchant: 0, transaction: 0, hoursAgo: 1, label: undefined, unusualAmount: false }]);
  await drain();
  await write([{ merchant: 0, transaction: 1, hoursAgo: 1, label: undefined, unusualAmount: false }]);
  let refused = 0;
  const counted = consumerOf({
    source: substitute({
      // A local stream keeps everything; AWS keeps 24 hours and answers so.
      iterator(shard, from) {
        if (from !== undefined && refused++ === 0) throw new TrimmedError('trimmed');
        return source.iterator(shard, from);
      },
    }),
    // Reading from the beginning comes by what was counted before: not counted twice here.
    handler: foldingHandler({ ...merchantCounters(merchants), effects: () => Promise.resolve([]) }),
  });
  expect(await drain(counted)).toBeGreaterThanOrEqual(2);
  expect(counted.trimmed).toHaveLength(1);
});

it('a shard is read once its parent has ended, and never again once it has ended itself', async () => {
  const checkpoints = new CheckpointStore(dynamodb.db);
  const shards = [
    { shardId: 'a', parentIds: [] },
    { shardId: 'b', parentIds: [] },
    { shardId: 'split', parentIds: ['a'] },
    { shardId: 'merged', parentIds: ['a', 'b'] },
    { shardId: 'orphan', parentIds: ['long gone'] },
  ];
  const { consumer } = consumerOf({
    stream: 'family',
    source: substitute({ listShards: () => Promise.resolve(shards) }),
  });
  const open = async () => (await consumer.openShards()).map(({ shardId: id }) => id);
  const end = async (id: string) =>
    dynamodb.db.client.send(
      new PutCommand(
        checkpoints.advance('family', id, await checkpoints.lease('family', id), { position: '7', ended: true }).Put!,
      ),
    );
  expect(await open()).toEqual(['a', 'b', 'orphan']);
  await end('a');
  expect(await open()).toEqual(['b', 'split', 'orphan']);
  await end('b');
  expect(await open()).toEqual(['split', 'merged', 'orphan']);
  const never = new AbortController();
  expect(await consumer.consume('a', { signal: never.signal, forMs: 1_000, heartbeat: () => undefined })).toMatchObject(
    { ended: true, records: 0, position: '7' },
  );
});
