import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { Consumer } from '../../../src/operations/platform/streams/consumer';
import { readingChanges } from '../../../src/operations/devices/readingChanges';
import type { Alert, AlertEvent } from '../../../src/domain/devices/alerts';
import { dayStart } from '../../../src/domain/devices/days';
import { type Reading, type ReadingRow, rowContent } from '../../../src/domain/devices/reading';
import {
  addReadings,
  bucketStart,
  emptyRollup,
  resolutions,
  type Rollup,
  shownMetric,
} from '../../../src/domain/devices/rollup';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { type ItemChange, streamsClient, TableStream } from '../../../src/gateways/streams/tableStream';
import { inLanes } from '../../../src/domain/lanes';
import { AlertStarts } from '../../../src/operations/devices/alertStarts';
import { ArchivedReadings } from '../../../src/operations/devices/archivedReadings';
import { DeviceReads } from '../../../src/operations/devices/reads';
import { RollupCheck } from '../../../src/operations/devices/rollupCheck';
import { CheckpointStore } from '../../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../../src/stores/platform/deadLetters';
import { DEVICE_BUCKETS, rowItem, rowKey, timestampSeq } from '../../../src/stores/devices/keys';
import { withId } from '../../../src/stores/devices/readingId';
import { ArchiveStore } from '../../../src/stores/devices/archives';
import { DayStore } from '../../../src/stores/devices/days';
import { LiveStore } from '../../../src/stores/devices/live';
import { ReadingStore } from '../../../src/stores/devices/readings';
import { rollupId, type RollupKey, RollupStore } from '../../../src/stores/devices/rollups';
import { SentinelStore } from '../../../src/stores/devices/sentinels';
import { dueEntries, outboxOf } from '../../support/outbox';
import { REGION, startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { UNTIL_STOPPED_MS } from '../../support/shards';

const STREAM = 'readings-of-devices';
const DAY = '2026-01-31';
let dynamodb: TestDynamoDB;
let readings: ReadingStore;
let rollups: RollupStore;
let source: TableStream;
let shardId: string;
let alerts: readonly Alert[] = [];
/** Devices of one test are strangers to every other's. */
let run = 0;

beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  readings = new ReadingStore(dynamodb.db);
  rollups = new RollupStore(dynamodb.db);
  source = new TableStream(
    dynamodb.client,
    streamsClient({ region: REGION, endpoint: dynamodb.endpoint, credentials: LOCAL_CREDENTIALS }),
    dynamodb.db.table('DeviceData'),
  );
  shardId = (await source.listShards())[0]!.shardId;
});
afterAll(() => dynamodb?.stop());
beforeEach(() => {
  run++;
  alerts = [];
});

/** What the stream lost before it was read. */
let lost = new Set<string>();
const isLost = ({ after }: ItemChange) => lost.has(String(after?.['TimestampSeq']));

const consumer = () => {
  const handler = changes();
  return new Consumer<ItemChange>({
    stream: STREAM,
    source,
    handler: {
      ...handler,
      handle: (batch, context) =>
        handler.handle(
          batch.filter(({ data }) => !isLost(data)),
          context,
        ),
    },
    db: dynamodb.db,
    checkpoints: new CheckpointStore(dynamodb.db),
    deadLetters: new DeadLetterStore(dynamodb.db),
  });
};

const changes = () =>
  readingChanges({
    rollups,
    live: new LiveStore(dynamodb.db),
    sentinels: new SentinelStore(dynamodb.db),
    rules: { of: async (ids) => new Map(ids.map((id) => [id, alerts])) },
    alerts: new AlertStarts(outboxOf(dynamodb.db)),
  });

/** Reads until nothing is left, or stops after so many batches as if it had been killed. */
async function drain(stopAfterBatches = Number.POSITIVE_INFINITY): Promise<void> {
  const stop = new AbortController();
  let batches = 0;
  let before: string | undefined;
  await consumer().consume(shardId, {
    signal: stop.signal,
    forMs: UNTIL_STOPPED_MS,
    heartbeat({ position }) {
      if (position === before || ++batches >= stopAfterBatches) stop.abort();
      before = position;
    },
  });
}

const row = (device: number, minutes: number, metrics: Reading['metrics']): ReadingRow =>
  withId(rowContent({ deviceId: `d-${run}-${device}`, timestamp: dayStart(DAY) + minutes * 20_000, metrics }));
const shown = ({ readings: count, metrics }: Rollup) => ({
  count,
  metrics: Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, shownMetric(metric)])),
});

/** What the raw readings give, each counted once. */
function expected(rows: readonly ReadingRow[]): Map<string, { key: RollupKey; rollup: Rollup }> {
  const once = new Map(rows.map((one) => [JSON.stringify(rowKey(one)), one]));
  const found = new Map<string, { key: RollupKey; rollup: Rollup }>();
  for (const one of once.values())
    for (const resolution of resolutions) {
      const key = { deviceId: one.deviceId, resolution, bucket: bucketStart(resolution, one.timestamp) };
      const { rollup } = found.get(rollupId(key)) ?? { rollup: emptyRollup };
      found.set(rollupId(key), { key, rollup: addReadings(rollup, [one]) });
    }
  return found;
}

async function expectRollups(rows: readonly ReadingRow[]): Promise<void> {
  const wanted = expected(rows);
  const stored = await rollups.read([...wanted.values()].map(({ key }) => key));
  for (const [id, { rollup }] of wanted) expect(shown(stored.get(id)!.rollup)).toEqual(shown(rollup));
}

type Step =
  | { kind: 'put'; device: number; minutes: number; value: number; again: boolean }
  | { kind: 'archive' | 'restore' | 'die' };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      device: fc.integer({ min: 0, max: 2 }),
      minutes: fc.integer({ min: 0, max: 12 }),
      value: fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
      again: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('archive' as const, 'restore' as const, 'die' as const) }),
  },
);

it(
  'rollups are what the raw readings give: with copies, late ones, days archived and restored, and readers that ' +
    'die and race',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        run++;
        const all: ReadingRow[] = [];
        let archived: ReadingRow[] = [];
        for (const one of steps) {
          if (one.kind === 'put') {
            const made = row(one.device, one.minutes, { t: one.value, n: 0.1 });
            // The careful path of ingest keeps copies of archived rows out.
            if (
              archived.some(
                ({ id, timestamp, deviceId }) =>
                  id === made.id && timestamp === made.timestamp && deviceId === made.deviceId,
              )
            )
              continue;
            all.push(made);
            for (let copies = one.again ? 2 : 1; copies > 0; copies--) await readings.put([made]);
          } else if (one.kind === 'archive') {
            archived = [...new Map(all.map((of) => [JSON.stringify(rowKey(of)), of])).values()];
            await readings.delete(archived);
          } else if (one.kind === 'restore') await readings.restore(archived);
          else await drain(1);
        }
        const both = await Promise.allSettled([drain(), drain()]);
        for (const result of both)
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ type: 'contention' });
        await drain();
        await expectRollups(all);
      }),
      { numRuns: 12 },
    );
  },
);

it('a check puts right what the stream lost, and nothing else, while readings come and are counted', async () => {
  const { db } = dynamodb;
  const days = new DayStore(db);
  const archives = new ArchiveStore(db, days);
  const reads = new DeviceReads({
    readings,
    rollups,
    live: new LiveStore(db),
    archived: new ArchivedReadings({ archives, archive: {} as never }),
  });
  const check = new RollupCheck(
    { days, rollups, sentinels: new SentinelStore(db), archives, reads },
    { kept: { '1m': 36_500, '1h': 36_500, '1d': 36_500 }, lateWindowMs: 86_400_000 },
  );
  const some = fc.array(
    fc.record({
      device: fc.integer({ min: 0, max: 2 }),
      minutes: fc.integer({ min: 0, max: 12 }),
      value: fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
      isLost: fc.boolean(),
    }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(some, some, async (before, meanwhile) => {
      run++;
      const all: ReadingRow[] = [];
      const put = async (
        { device, minutes, value, isLost: isGone }: { device: number; minutes: number; value: number; isLost: boolean },
        mayBeLost: boolean,
      ) => {
        const made = row(device, minutes, { t: value, n: 0.1 });
        const known = all.some((one) => JSON.stringify(rowKey(one)) === JSON.stringify(rowKey(made)));
        if (isGone && mayBeLost && !known) lost.add(timestampSeq(made));
        all.push(made);
        await days.note(made.deviceId, DAY, ['t', 'n'], 200);
        await readings.put([made]);
      };
      for (const one of before) await put(one, true);
      await drain();
      // Some are not counted yet when the check reads them.
      const half = Math.ceil(meanwhile.length / 2);
      for (const one of meanwhile.slice(0, half)) await put(one, false);
      const reading = new AbortController();
      const work = { signal: reading.signal, alive: () => undefined };
      const once = async () => {
        const found = await inLanes(
          Array.from({ length: DEVICE_BUCKETS }, (_, bucket) => bucket),
          4,
          (bucket) => check.check(DAY, bucket, work),
        );
        return found.reduce((sum, { unsettled }) => sum + unsettled, 0);
      };
      const first = once();
      await sleep(300);
      const reader = consumer().consume(shardId, {
        signal: reading.signal,
        forMs: UNTIL_STOPPED_MS,
        heartbeat: () => undefined,
      });
      try {
        for (const one of meanwhile.slice(half)) await put(one, false);
        await first;
        while ((await once()) > 0);
      } finally {
        reading.abort();
        await reader;
      }
      await drain();
      await expectRollups(all);
      const devices = [...new Set(all.map(({ deviceId }) => deviceId))];
      const wanted = expected(all);
      for (const deviceId of devices)
        for (const id of (await rollups.ofDay(deviceId, DAY, resolutions)).keys()) expect(wanted.has(id)).toBe(true);
      await days.forget(DAY, devices);
      lost = new Set();
    }),
    { numRuns: 8 },
  );
});

it('a fleet is counted batch by batch, as many devices as a transaction holds', async () => {
  const rows = Array.from({ length: 120 }, (_, device) => row(device, device % 7, { t: device }));
  await readings.put(rows);
  await drain();
  await expectRollups(rows);
});

it('records that cannot be read are kept aside with the reason, and stop nothing', async () => {
  const table = dynamodb.db.table('DeviceData');
  const good = row(0, 1, { t: 1 });
  const bad = [
    { ...rowItem(good), TimestampSeq: `${new Date(good.timestamp).toISOString()}#bad-1`, Metrics: 7 },
    { ...rowItem(good), TimestampSeq: `${new Date(good.timestamp).toISOString()}#bad-2`, Metrics: '{' },
    { ...rowItem(good), TimestampSeq: 'noon#bad-3' },
  ];
  for (const Item of [...bad, rowItem(good)]) await dynamodb.db.client.send(new PutCommand({ TableName: table, Item }));
  await drain();
  await expectRollups([good]);
  const { items } = await new DeadLetterStore(dynamodb.db).list(STREAM, { limit: 10 });
  expect(items.map(({ reason }) => reason)).toEqual([
    'Metrics is not a string',
    'Metrics is not JSON',
    'TimestampSeq does not begin with an instant',
  ]);
  await dynamodb.db.client.send(new DeleteCommand({ TableName: table, Key: rowKey(good) }));
});

describe('alerts', () => {
  const owed = async (): Promise<AlertEvent[]> => {
    const starts = await dueEntries(dynamodb.db, 'start', Date.now() + 1_000);
    return starts
      .flatMap(({ payload }) => (payload.args[0] as { events: AlertEvent[] }).events)
      .filter(({ deviceId }) => deviceId.startsWith(`d-${run}-`))
      .sort((a, b) => a.at - b.at);
  };

  it('are owed once each in one transaction with the checkpoint, however often readers die', async () => {
    alerts = [
      { id: 'hot', kind: 'threshold', metric: 't', direction: 'above', value: 30, clear: 28 },
      { id: 'fast', kind: 'rate', metric: 't', direction: 'rise', perMinute: 20 },
    ];
    for (const [i, t] of [20, 31, 29, 33, 28, 60, 20].entries()) {
      await readings.put([row(0, i, { t })]);
      await Promise.allSettled([drain(1), drain(1)]);
    }
    await drain();
    const events = (await owed()).map(({ alertId, event, episode }) => `${alertId} ${event} ${episode}`);
    expect(events.filter((event) => event.startsWith('hot'))).toEqual([
      'hot raised 1',
      'hot cleared 1',
      'hot raised 2',
      'hot cleared 2',
    ]);
    expect(events.filter((event) => event.startsWith('fast'))).toEqual([
      'fast raised 1',
      'fast cleared 1',
      'fast raised 2',
      'fast cleared 2',
    ]);
  });
});
