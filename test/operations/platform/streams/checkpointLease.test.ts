import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { Consumer } from '../../../../src/operations/platform/streams/consumer';
import { inBatches, type StreamHandler } from '../../../../src/operations/platform/streams/streamHandler';
import { isLongwatchError } from '../../../../src/domain/errors';
import type { RecordSource } from '../../../../src/gateways/streams/source';
import { CheckpointStore } from '../../../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../../../src/stores/platform/deadLetters';
import type { Db } from '../../../../src/stores/dynamodb';
import { engines } from '../../../../src/local/dynamodb';
import { startTestDynamoDB, type TestDynamoDB } from '../../../support/dynamodb';
import { type Fate, Interleaving, Lost } from '../../../support/interleaving';

const SHARD = 'shard-0';
const ARRIVED_AT = 1_700_000_000_000;

/** Records `1` to `last` of one shard, which has a child. A reader sees the shard's end once the shard is closed. */
interface Shard {
  last: number;
  isClosed(): boolean;
  /** Awaited by every read. */
  beforeRead?(): Promise<void>;
}

function sourceOf({ last, isClosed, beforeRead }: Shard): RecordSource<number> {
  return {
    readEveryMs: 0,
    listShards: () =>
      Promise.resolve([
        { shardId: SHARD, parentIds: [] },
        { shardId: 'child', parentIds: [SHARD] },
      ]),
    shardName: (id) => Promise.resolve(id),
    iterator: (_shard, from) => Promise.resolve(from?.after ?? '0'),
    async read(iterator) {
      await beforeRead?.();
      const records = Array.from({ length: last - Number(iterator) }, (_, i) => Number(iterator) + i + 1).map(
        (data) => ({ position: String(data), arrivedAt: ARRIVED_AT, data }),
      );
      return { records, ...(!isClosed() && { next: String(last) }), behindMs: 0 };
    },
    toBytes: (data) => Buffer.from(String(data)),
    fromBytes: (bytes) => Number(Buffer.from(bytes).toString()),
  };
}

describe.each(engines)('on %s', (engine) => {
  let dynamodb: TestDynamoDB;
  beforeAll(async () => void (dynamodb = await startTestDynamoDB(engine)), 120_000);
  afterAll(() => dynamodb?.stop());

  let run = 0;
  let stream: string;
  beforeEach(() => void (stream = `stream-${++run}`));
  const effectKey = (data: number) => ({ SourceShard: `effect ${stream}#${data}` });
  const applied = async (data: number) => {
    const { Item } = await dynamodb.db.client.send(
      new GetCommand({ TableName: dynamodb.db.table('Checkpoints'), Key: effectKey(data), ConsistentRead: true }),
    );
    return (Item?.['Applied'] as number | undefined) ?? 0;
  };

  /** Adds one to a record's counter: twice is visible. */
  const counting = (isPoison: (data: number) => boolean, size: number): StreamHandler<number> => ({
    batches: (records) => inBatches(records, size),
    handle: (batch) =>
      Promise.resolve({
        effects: batch
          .filter(({ data }) => !isPoison(data))
          .map(({ data }) => ({
            Update: {
              TableName: dynamodb.db.table('Checkpoints'),
              Key: effectKey(data),
              UpdateExpression: 'ADD Applied :one',
              ExpressionAttributeValues: { ':one': 1 },
            },
          })),
        poison: batch.filter(({ data }) => isPoison(data)).map((record) => ({ record, reason: 'is poison' })),
        counts: {},
      }),
  });
  const consumerOf = (
    shard: Shard,
    {
      db = dynamodb.db,
      isPoison = () => false,
      size = 4,
    }: { db?: Db; isPoison?: (data: number) => boolean; size?: number } = {},
  ) =>
    new Consumer<number>({
      stream,
      source: sourceOf(shard),
      handler: counting(isPoison, size),
      db,
      checkpoints: new CheckpointStore(db),
      deadLetters: new DeadLetterStore(db),
    });
  const checkpoint = () => new CheckpointStore(dynamodb.db).read(stream, SHARD);

  it('a stale reader at the position where another reader ended the shard cannot reopen it', async () => {
    let isClosed = false;
    const seen = { reads: 0, position: '' };
    let release: () => void = () => undefined;
    const stale = consumerOf({
      last: 10,
      isClosed: () => isClosed,
      // Its second read hangs: it stands at position 10 while the other reader ends the shard.
      beforeRead: () => (++seen.reads === 1 ? Promise.resolve() : new Promise<void>((resolve) => (release = resolve))),
    });
    const stop = new AbortController();
    const reading = stale.consume(SHARD, {
      signal: stop.signal,
      forMs: 60_000,
      heartbeat: ({ position = '' }) => void (seen.position = position),
    });
    reading.catch(() => undefined);
    while (seen.reads < 2 || seen.position !== '10') await new Promise((resolve) => setTimeout(resolve, 5));

    isClosed = true;
    const other = consumerOf({ last: 10, isClosed: () => true });
    expect(
      await other.consume(SHARD, { signal: new AbortController().signal, forMs: 60_000, heartbeat: () => undefined }),
    ).toMatchObject({ ended: true, position: '10' });

    stop.abort();
    isClosed = false;
    release();
    await expect(reading).rejects.toMatchObject({ type: 'contention' });
    expect(await checkpoint()).toMatchObject({ ended: true, position: '10' });
    expect((await other.openShards()).map(({ shardId }) => shardId)).toEqual(['child']);
  });

  it('a stale reader keeps no dead letter: one that was re-driven meanwhile does not come back', async () => {
    const isPoison = (data: number) => data === 2;
    const shard = { last: 3, isClosed: () => true };
    const interleaving = new Interleaving(dynamodb.db, () => 0);
    const stale = consumerOf(shard, { db: interleaving.gated(), isPoison });
    const signal = new AbortController().signal;
    const reading = stale.consume(SHARD, { signal, forMs: 60_000, heartbeat: () => undefined });
    reading.catch(() => undefined);
    const letters = new DeadLetterStore(dynamodb.db);
    let picks = 0;
    await interleaving.until(
      reading.catch(() => undefined).then(() => undefined),
      // The first call takes up the shard; before the second, another reader reads all of it and its letter is
      // re-driven.
      () => (picks++, { index: 0, fate: 'done' }),
      async () => {
        if (picks !== 1) return;
        await consumerOf(shard, { isPoison }).consume(SHARD, { signal, forMs: 60_000, heartbeat: () => undefined });
        expect(await consumerOf(shard).redrive((await letters.list(stream, { limit: 10 })).items, signal)).toEqual([
          undefined,
        ]);
      },
    );
    await expect(reading).rejects.toMatchObject({ type: 'contention' });
    expect((await letters.list(stream, { limit: 10 })).items).toEqual([]);
    expect(await Promise.all([1, 2, 3].map(applied))).toEqual([1, 1, 1]);
  });

  it('interleaved readers and a redrive apply no effect twice, and nobody reopens an ended shard', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          last: fc.integer({ min: 1, max: 9 }),
          size: fc.integer({ min: 1, max: 4 }),
          poison: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
          readers: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 }),
          closesAfter: fc.integer({ min: 1, max: 4 }),
          picks: fc.infiniteStream(fc.nat()),
          holds: fc.infiniteStream(fc.constantFrom(0, 0, 0, 1, 3, 10)),
          fates: fc.infiniteStream(
            fc.constantFrom<Fate>('done', 'done', 'done', 'done', 'done', 'done', 'answer-lost', 'lost'),
          ),
        }),
        async ({ last, size, poison, readers, closesAfter, picks, holds, fates }) => {
          stream = `stream-${++run}`;
          const interleaving = new Interleaving(dynamodb.db, () => holds.next().value);
          const db = interleaving.gated();
          let reads = 0;
          const shard: Shard = {
            last,
            isClosed: () => reads >= closesAfter,
            beforeRead: () => (reads++, interleaving.pause(1)),
          };
          const isPoison = (data: number) => poison.includes(data);
          const excused = (error: unknown) => {
            if (!(error instanceof Lost) && !isLongwatchError(error, 'contention')) throw error;
          };
          const letters = new DeadLetterStore(dynamodb.db);
          const reader = async (heartbeats: number) => {
            const stop = new AbortController();
            let left = heartbeats;
            await consumerOf(shard, { db, isPoison, size }).consume(SHARD, {
              signal: stop.signal,
              forMs: 60_000,
              heartbeat: () => void (--left <= 0 && stop.abort()),
            });
          };
          const redriver = async () => {
            for (let i = 0; i < 3; i++) {
              await interleaving.pause(2);
              const { items } = await new DeadLetterStore(db).list(stream, { limit: 10 });
              if (items.length > 0) await consumerOf(shard, { db }).redrive(items, new AbortController().signal);
            }
          };
          let highest = 0;
          let wasEnded = false;
          await interleaving.until(
            Promise.all([...readers.map(reader), redriver()].map((work) => work.catch(excused))),
            (waiting) => ({ index: picks.next().value % waiting, fate: fates.next().value }),
            async () => {
              const { position, ended } = await checkpoint();
              expect(Number(position ?? 0)).toBeGreaterThanOrEqual(highest);
              highest = Number(position ?? 0);
              if (wasEnded) expect(ended).toBe(true);
              wasEnded = ended;
            },
          );
          // Whatever the readers left is read now.
          expect(
            await consumerOf({ last, isClosed: () => true }, { isPoison }).consume(SHARD, {
              signal: new AbortController().signal,
              forMs: 60_000,
              heartbeat: () => undefined,
            }),
          ).toMatchObject({ ended: true });
          const left = new Set(
            (await letters.list(stream, { limit: 100 })).items.map(({ position }) => Number(position)),
          );
          for (let data = 1; data <= last; data++)
            expect({ data, times: (await applied(data)) + (left.has(data) ? 1 : 0) }).toEqual({ data, times: 1 });
        },
      ),
      { numRuns: engine === 'dynoxide' ? 60 : 15 },
    );
  });
});
