import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Consumer } from '../../src/operations/platform/streams/consumer';
import type { StreamRecord } from '../../src/gateways/streams/source';
import { mqttReadings } from '../../src/operations/devices/mqttReadings';
import { Ingest } from '../../src/operations/devices/ingest';
import { CheckpointStore } from '../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../src/stores/platform/deadLetters';
import { DayStore } from '../../src/stores/devices/days';
import { DeviceStore } from '../../src/stores/devices/devices';
import { ReadingStore } from '../../src/stores/devices/readings';
import { activityArguments } from '../support/activityArguments';
import { startTestGraph, type TestGraph } from '../support/graph';
import { payment } from '../support/payment';
import { type SeenCall, whileRefusing } from '../support/refusals';

// Every DynamoDB call of every consumer and listener is refused for good, one kind at a time, where it concerns a
// marked
// record; then every activity is, with every call. A consumer or an activity that has no entry here fails a test.

let graph: TestGraph;
let letters: DeadLetterStore;
let checkpoints: CheckpointStore;
beforeAll(async () => {
  // Nobody listens there: records are handed over by the tests.
  graph = await startTestGraph({
    KINESIS_ENDPOINT: 'http://127.0.0.1:1',
    LONGWATCH_READINGS_STREAM: 'readings',
    LONGWATCH_DEVICE_CACHE_MS: '1',
  });
  letters = new DeadLetterStore(graph.dynamodb.db);
  checkpoints = new CheckpointStore(graph.dynamodb.db);
});
afterAll(() => graph?.stop());

const now = Date.now();
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const reading = () => ({ timestamp: new Date(now - 60_000).toISOString(), metrics: { t: 1 } });

/** A record about something of that id, by stream. */
const recordOf: Record<string, (id: string) => unknown> = {
  'transaction-history': (id) => ({ after: { MerchantID: id, UserID: id, Timestamp: now, TransactionID: id } }),
  leaderboard: (id) => ({
    after: { BoardSeason: `${id}#1#0#d`, PlayerID: 'ada', Score: 1, AchievedAt: now, ChangedAt: now },
  }),
  'device-data': (id) => ({
    after: {
      DeviceDay: `${id}#${new Date(now).toISOString().slice(0, 10)}`,
      TimestampSeq: `${new Date(now).toISOString()}#${id}`,
      Metrics: '{"t":1}',
    },
  }),
  transactions: (id) => json({ ...payment({ transactionId: id, userId: id, merchantId: id }) }),
  readings: (id) => json({ deviceId: id, ...reading() }),
};

let run = 0;
function records(stream: string): { all: StreamRecord<never>[]; marked: string } {
  const marked = `marked-${randomUUID()}`;
  const ids = [`a-${randomUUID()}`, `b-${randomUUID()}`, marked, `c-${randomUUID()}`];
  return {
    marked,
    all: ids.map((id, i) => ({ position: String(i + 1), arrivedAt: now, data: recordOf[stream]!(id) as never })),
  };
}

/** The work on records. Without it, a call that refreshes a cache by chance would count as one. */
const taking = new AsyncLocalStorage<true>();

/** The kinds of calls that a piece of work makes: operation and tables. */
async function kindsOf(work: () => Promise<unknown>): Promise<{ kind: string; isMarked: boolean }[]> {
  const seen = new Map<string, boolean>();
  await whileRefusing((call) => {
    if (taking.getStore() !== true) return false;
    seen.set(kindOf(call), (seen.get(kindOf(call)) ?? false) || call.text.includes('marked-'));
    return false;
  }, work);
  return [...seen].map(([kind, isMarked]) => ({ kind, isMarked }));
}
const kindOf = ({ operation, tables }: SeenCall) => `${operation} ${tables.join('+')}`;
const never = new AbortController().signal;

it('every consumer has its records here', () => {
  expect(Object.keys(graph.consumers).sort()).toEqual(Object.keys(recordOf).sort());
});

it.each(Object.keys(recordOf))(
  '%s: whichever of its calls is refused, the record it is about becomes a letter and its neighbours go on',
  async (stream) => {
    const consumer = graph.consumers[stream] as Consumer<never>;
    const take = (shard: string, all: StreamRecord<never>[]) =>
      taking.run(true, () => consumer.take(shard, all, never));
    const whole = records(stream);
    const kinds = await kindsOf(async () => expect(await take(`shard-${run}`, whole.all)).toEqual({}));
    expect(kinds.filter(({ isMarked }) => isMarked).length).toBeGreaterThan(0);
    for (const { kind, isMarked } of kinds) {
      const shard = `shard-${++run}`;
      const { all, marked } = records(stream);
      let refused = 0;
      const concerns = (call: SeenCall) =>
        kindOf(call)
          .split(/[ +]/)
          .some((part, i) => i > 0 && kind.split(/[ +]/).includes(part)) && call.operation === kind.split(' ')[0];
      const taken = await whileRefusing(
        (call) =>
          concerns(call) &&
          (isMarked
            ? call.text.includes(marked) && !call.text.includes('"DeadLetters"') && !/test-DeadLetters/.test(call.text)
            : refused === 0) &&
          ++refused > 0,
        () => take(shard, all),
      );
      const own = (await letters.list(stream, { limit: 1_000 })).items.filter(({ shardId }) => shardId === shard);
      expect(refused).toBeGreaterThan(0);
      expect(refused).toBeLessThan(40);
      if (isMarked) {
        expect([kind, taken]).toEqual([kind, {}]);
        expect([kind, own.map(({ position, reason }) => [position, /DynamoDB|cannot be stored/.test(reason)])]).toEqual(
          [kind, [['3', true]]],
        );
      } else {
        // The checkpoint itself: nothing is lost, all of it comes again.
        if (taken.again === undefined) expect(taken).toEqual({});
        else expect(await take(shard, all)).toEqual({});
        expect(own.length).toBeLessThanOrEqual(1);
      }
      expect((await checkpoints.read(stream, shard)).position).toBe('4');
    }
  },
);

it(
  'MQTT: whichever call is refused, the message it is about is acknowledged, told and kept; its neighbours are ' +
    'stored',
  async () => {
    const { db } = graph.dynamodb;
    const [readings, days, devices] = [new ReadingStore(db), new DayStore(db), new DeviceStore(db)];
    const faults: unknown[] = [];
    const ingest = new Ingest(
      { readings, days, devices, archive: { known: async () => new Set() } },
      { lateWindowMs: 7 * 86_400_000, archiveAfterMs: 86_400_000, registered: false, deviceCacheMs: 1 },
    );
    const listener = mqttReadings({
      ingest,
      keep: (some) => letters.keep(some),
      onFault: (error) => faults.push(error),
    });
    const messages = () => {
      const marked = `marked-${randomUUID()}`;
      return {
        marked,
        all: [`a-${randomUUID()}`, marked, `b-${randomUUID()}`].map((id) => ({
          topic: `devices/${id}/readings`,
          payload: json(reading()),
        })),
      };
    };
    const kinds = await kindsOf(async () =>
      expect(await taking.run(true, () => listener.take(messages().all))).toEqual([]),
    );
    expect(kinds.map(({ kind }) => kind)).toContain('BatchWrite DeviceData');
    for (const { kind } of kinds) {
      const { marked, all } = messages();
      const answers = await whileRefusing(
        (call) => kindOf(call) === kind && call.text.includes(marked),
        () => listener.take(all),
      );
      expect(answers.map(({ topic }) => topic)).toEqual([`devices/${marked}/rejected`]);
      const own = (await letters.list('mqtt', { limit: 1_000 })).items.filter(({ shardId }) => shardId === marked);
      expect(own).toMatchObject([{ reason: expect.stringContaining('cannot be stored: DynamoDB') }]);
      for (const { topic } of all) {
        const deviceId = topic.split('/')[1]!;
        const { rows } = await readings.page({ deviceId, day: new Date(now - 60_000).toISOString().slice(0, 10) });
        expect([kind, rows.length]).toEqual([kind, deviceId === marked ? 0 : 1]);
      }
    }
    // Where the letter is refused, too, the others' messages do not wait behind it.
    const { marked, all } = messages();
    const answers = await whileRefusing(
      (call) => call.text.includes(marked),
      () => listener.take(all),
    );
    expect(answers).toHaveLength(1);
    expect(faults).toMatchObject([{ type: 'refused' }]);
  },
);

describe('activities', () => {
  const all = () =>
    Object.assign({}, ...Object.values(graph.activities)) as Record<string, (...args: unknown[]) => Promise<unknown>>;

  it('each has its arguments here', () => {
    expect(Object.keys(activityArguments).sort()).toEqual(Object.keys(all()).sort());
  });

  it.each(Object.entries(activityArguments))('%s', async (name, { args, ends }) => {
    let refused = 0;
    const environment = new MockActivityEnvironment();
    // What reads on for ever is cancelled; what must end by itself has time to, on a busy machine too.
    const stop = setTimeout(() => environment.cancel(), ends === 'refused' ? 60_000 : 2_000);
    const ended = await whileRefusing(
      () => ++refused > 0,
      () => environment.run(all()[name]!, ...args),
    ).then(
      () => 'done',
      (error: unknown) => error,
    );
    clearTimeout(stop);
    if (ends === 'refused') {
      expect(ended).toBeInstanceOf(ApplicationFailure);
      expect(ended).toMatchObject({ type: 'refused', nonRetryable: true });
      expect(refused).toBeLessThan(40);
    } else expect((ended as { type?: string }).type).not.toBe('refused');
  });
});
