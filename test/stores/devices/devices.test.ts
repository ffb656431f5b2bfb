import { randomUUID } from 'node:crypto';
import { PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { dayStart } from '../../../src/domain/devices/days';
import { type Reading, rowContent } from '../../../src/domain/devices/reading';
import { addReadings, emptyRollup } from '../../../src/domain/devices/rollup';
import { iso } from '../../../src/domain/ids';
import { engines } from '../../../src/local/dynamodb';
import { DueDays } from '../../../src/operations/devices/dueDays';
import { ExpiredRollups } from '../../../src/operations/devices/expiredRollups';
import { ArchiveStore } from '../../../src/stores/devices/archives';
import { DayStore } from '../../../src/stores/devices/days';
import { DeviceStore } from '../../../src/stores/devices/devices';
import { bucketOf } from '../../../src/stores/devices/keys';
import { withId } from '../../../src/stores/devices/readingId';
import { LiveStore } from '../../../src/stores/devices/live';
import { ReadingStore } from '../../../src/stores/devices/readings';
import { RetentionStore } from '../../../src/stores/devices/retention';
import { RollupStore } from '../../../src/stores/devices/rollups';
import { queryFrom } from '../../../src/stores/query';
import { FakeClock } from '../../support/clock';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';

const DAY = '2026-01-31';
const row = (deviceId: string, ms: number, metrics: Reading['metrics'] = { t: 1 }) =>
  withId(rowContent({ deviceId, timestamp: dayStart(DAY) + ms, metrics }));

describe.each(engines)('on %s', (engine) => {
  let dynamodb: TestDynamoDB;
  let readings: ReadingStore;
  let days: DayStore;
  let archives: ArchiveStore;
  beforeAll(async () => {
    dynamodb = await startTestDynamoDB(engine);
    readings = new ReadingStore(dynamodb.db);
    days = new DayStore(dynamodb.db);
    archives = new ArchiveStore(dynamodb.db, days);
  });
  afterAll(() => dynamodb?.stop());
  const device = () => `d-${randomUUID()}`;
  const archived = (day: string, generation: number) => ({
    day,
    generation,
    state: 'archived' as const,
    rows: 1,
    bytes: 2,
    parts: 3,
    archivedAt: 4_000,
    since: 5_000,
  });

  it('a batch of readings costs a write unit each, and the newest one a read', async () => {
    const id = device();
    const rows = Array.from({ length: 60 }, (_, i) => row(id, i));
    expect(await dynamodb.unitsOf(() => readings.put(rows))).toEqual({ read: 0, write: 60 });
    expect(dynamodb.calls.map(({ operation }) => operation)).toEqual([
      'BatchWriteItem',
      'BatchWriteItem',
      'BatchWriteItem',
    ]);
    // Strongly consistent.
    expect(await dynamodb.unitsOf(async () => expect(await readings.newest(id, DAY)).toEqual(rows.at(-1)))).toEqual({
      read: 1,
      write: 0,
    });
    const { rows: page, more } = await readings.page({
      deviceId: id,
      day: DAY,
      from: dayStart(DAY) + 10,
      to: dayStart(DAY) + 20,
      limit: 5,
    });
    expect(page.slice(0, 5)).toEqual(rows.slice(10, 15));
    expect((await readings.page({ deviceId: id, day: DAY, to: dayStart(DAY) + 20, after: more! })).rows.at(-1)).toEqual(
      rows[19],
    );
  });

  it('pages skip and report a malformed row; a deletion of the day takes it along, and leaves sentinels', async () => {
    const reported: string[] = [];
    const tolerant = new ReadingStore({ ...dynamodb.db, onMalformed: ({ reason }) => void reported.push(reason) });
    const id = device();
    const good = row(id, 1);
    await readings.put([good]);
    for (const TimestampSeq of [`${iso(dayStart(DAY))}#bad`, '~#sentinel'])
      await dynamodb.db.client.send(
        new PutCommand({
          TableName: dynamodb.db.table('DeviceData'),
          Item: { DeviceDay: `${id}#${DAY}`, TimestampSeq, Metrics: 7 },
        }),
      );
    expect((await tolerant.page({ deviceId: id, day: DAY })).rows).toEqual([good]);
    expect(reported).toEqual(['Metrics is not a string']);
    expect([await readings.hasRows(id, DAY), (await readings.deleteDay(id, DAY).next()).value]).toEqual([true, 2]);
    expect(await readings.hasRows(id, DAY)).toBe(false);
    const { items } = await queryFrom(dynamodb.db, {
      table: 'DeviceData',
      where: 'DeviceDay = :day',
      values: { ':day': `${id}#${DAY}` },
    });
    expect(items.map(({ TimestampSeq }) => TimestampSeq)).toEqual(['~#sentinel']);
  });

  it('late readings are written all or none, once, and only while the day is as it was seen', async () => {
    const [id, day] = [device(), DAY];
    const rows = [row(id, 1), row(id, 2)];
    const guards = (generation: number) => [days.fenced(id, day, generation), days.noteLate(id, day, 'token-1')];
    expect(await readings.putNew(rows, guards(0))).toBeUndefined();
    expect(await readings.putNew([row(id, 3), ...rows], guards(0))).toEqual(
      new Set([expect.objectContaining({ id: rows[0]!.id, timestamp: rows[0]!.timestamp }), rows[1]]),
    );
    expect((await readings.page({ deviceId: id, day })).rows).toEqual(rows);
    await dynamodb.db.client.send(new TransactWriteCommand({ TransactItems: [days.moveFence(day, bucketOf(id), 1)] }));
    expect(await readings.putNew([row(id, 3)], guards(0))).toBe('guard');
    expect(await days.generation(id, day)).toBe(1);
    expect(await readings.putNew([row(id, 3)], guards(1))).toBeUndefined();
    const late = (await days.lateDevices(day, bucketOf(id))).find(({ deviceId }) => deviceId === id);
    await days.forgetLate(day, { deviceId: id, token: 'another' });
    expect(await days.hasAny(day, 'late')).toBe(true);
    await days.forgetLate(day, late!);
    expect(await days.lateDevices(day, bucketOf(id))).toEqual([]);
  });

  it('a day knows its devices and their metrics, and takes no more names than it may', async () => {
    const [id, day] = [device(), '2026-02-01'];
    expect(await days.names(id, day)).toBeUndefined();
    expect(await days.note(id, day, ['a', 'b'], 4)).toBe(true);
    expect(await days.note(id, day, ['b', 'c', 'd'], 4)).toBe(true);
    expect(await days.note(id, day, ['e'], 4)).toBe(false);
    expect(await days.names(id, day)).toEqual(new Set(['#', 'a', 'b', 'c', 'd']));
    expect(await days.devices(day, bucketOf(id))).toEqual([id]);
    await days.forget(day, [id]);
    expect(await days.hasAny(day, 'present')).toBe(false);
  });

  it('one manifest follows another; the same once more changes nothing; late readings are turned away', async () => {
    const day = '2026-02-02';
    await archives.commit(archived(day, 1));
    await archives.commit(archived(day, 1));
    await expect(archives.commit(archived(day, 3))).rejects.toMatchObject({ type: 'conflict' });
    await archives.commit(archived(day, 2));
    await expect(archives.commit(archived(day, 1))).rejects.toMatchObject({ type: 'conflict' });
    await expect(archives.move(day, 1, 'expired', 9_000)).rejects.toMatchObject({ type: 'conflict' });
    await archives.move(day, 2, 'restored', 9_000);
    expect(await archives.find(day)).toEqual({ ...archived(day, 2), state: 'restored', since: 9_000 });
    expect(await days.generation(device(), day)).toBe(2);
    await archives.commit(archived('2026-02-03', 1));
    const first = await archives.page({ limit: 1 });
    const second = await archives.page({ limit: 1, cursor: first.cursor! });
    expect([first.items[0]!.day, second.items[0]!.day]).toEqual(['2026-02-03', day]);
    await expect(archives.page({ limit: 1, cursor: 'x' })).rejects.toMatchObject({ type: 'invalid' });
  });

  it('rollups move one version at a time, and go by day', async () => {
    const rollups = new RollupStore(dynamodb.db);
    const id = device();
    const keys = (['1m', '1h', '1d'] as const).map((resolution) => ({
      deviceId: id,
      resolution,
      bucket: dayStart(DAY),
    }));
    const rollup = addReadings(emptyRollup, [row(id, 1)]);
    const put = async () => {
      const before = [...(await rollups.read(keys)).values()];
      return keys.map((key, i) => rollups.replace(key, before[i]!, rollup));
    };
    const [items, stale] = [await put(), await put()];
    await dynamodb.db.client.send(new TransactWriteCommand({ TransactItems: items }));
    await expect(dynamodb.db.client.send(new TransactWriteCommand({ TransactItems: stale }))).rejects.toThrow(
      'ConditionalCheckFailed',
    );
    const list = async (resolution: '1m' | '1h' | '1d') =>
      (
        await rollups.list(
          { deviceId: id, resolution, from: dayStart('2025-12-01'), to: dayStart('2026-03-01') },
          { limit: 10, series: 200 },
        )
      ).rollups;
    expect(await list('1m')).toEqual([{ bucket: dayStart(DAY), rollup }]);
    expect(await list('1d')).toEqual([{ bucket: dayStart(DAY), rollup }]);
    // A page looks at so many partitions, and says where to go on.
    expect(
      await rollups.list(
        { deviceId: id, resolution: '1m', from: dayStart('2026-01-01'), to: dayStart('2026-03-01') },
        { limit: 10, series: 5 },
      ),
    ).toEqual({ rollups: [], next: dayStart('2026-01-06') });
    expect(await rollups.deleteDay(id, DAY, ['1m'])).toBe(1);
    expect([await list('1m'), await list('1h')]).toEqual([[], [expect.anything()]]);
  });

  it('a deadline waits for a device until it is struck off', async () => {
    const live = new LiveStore(dynamodb.db);
    const id = device();
    const known = (await live.read([id])).get(id)!;
    const write = (TransactItems: ReturnType<LiveStore['replace']>) =>
      dynamodb.db.client.send(new TransactWriteCommand({ TransactItems }));
    await write(live.replace(id, known, { row: row(id, 1), states: {}, deadline: 5_000 }));
    await expect(write(live.replace(id, known, { states: {} }))).rejects.toThrow('ConditionalCheckFailed');
    expect(await live.latest(id)).toEqual(row(id, 1));
    expect(await live.due(bucketOf(id), 4_999, 10)).toEqual([]);
    expect(await live.due(bucketOf(id), 5_000, 10)).toEqual([{ deviceId: id, dueAt: 5_000 }]);
    await write([live.strikeOff({ deviceId: id, dueAt: 5_000 })]);
    expect(await live.due(bucketOf(id), 5_000, 10)).toEqual([]);
  });

  it('alerts and groups are set by version; of an erased device only that it was remains', async () => {
    const devices = new DeviceStore(dynamodb.db);
    const id = device();
    expect(await devices.putAlerts(id, [], 0)).toBe(true);
    expect(await devices.putAlerts(id, [], 0)).toBe(false);
    expect(await devices.register(id, ['roof'], 1_000)).toBe(true);
    expect((await devices.find([id])).get(id)).toMatchObject({
      groups: ['roof'],
      alertsVersion: 1,
      registeredAt: 1_000,
    });
    await dynamodb.db.client.send(new TransactWriteCommand({ TransactItems: [devices.beginErasure(id, 2_000)] }));
    await expect(
      dynamodb.db.client.send(new TransactWriteCommand({ TransactItems: [devices.beginErasure(id, 3_000)] })),
    ).rejects.toThrow('ConditionalCheckFailed');
    expect([await devices.register(id, [], 3_000), await devices.putAlerts(id, [], 1)]).toEqual([false, false]);
    await devices.finishErasure(id, 4_000);
    expect(await devices.get(id)).toEqual({ deviceId: id, groups: [], alerts: [], alertsVersion: 0, erasedAt: 4_000 });
  });

  it('what is due is found: days that are over or came late, files and rollups past their age', async () => {
    const retention = { rollups: { '1m': 10, '1h': 20, '1d': 30 }, archive: 40, restored: 2 };
    const rollups = new RollupStore(dynamodb.db);
    const now = dayStart('2027-06-30') + 12 * 3_600_000;
    const clock = new FakeClock(now);
    const expired = new ExpiredRollups({ days, rollups, retention: new RetentionStore(dynamodb.db), clock }, retention);
    const dueDays = new DueDays(
      { days, archives, clock },
      { retention, archiveAfterMs: 3_600_000, lateWindowMs: 3 * 86_400_000, archives: true },
    );
    const id = device();
    for (const day of [
      '2027-06-30',
      '2027-06-29',
      '2027-06-28',
      '2027-06-27',
      '2027-06-26',
      '2027-06-20',
      '2027-06-15',
      '2027-06-05',
      '2027-05-28',
    ])
      await days.note(id, day, ['t'], 200);
    await archives.commit(archived('2027-06-28', 1));
    await archives.commit({ ...archived('2027-06-27', 1), state: 'restored', since: now - 3 * 86_400_000 });
    await archives.commit({ ...archived('2027-06-26', 1), state: 'restored', since: now - 86_400_000 });
    await archives.commit(archived('2027-05-20', 1));
    await archives.commit({ ...archived('2027-05-19', 1), state: 'expired' });
    // Days of other tests are long past their age, too.
    const due = async () => (await dueDays.find()).filter(({ day }) => day > '2027');
    expect(await due()).toEqual([
      { day: '2027-05-20', what: 'expire' },
      { day: '2027-06-20', what: 'archive' },
      { day: '2027-06-27', what: 'archive' },
      { day: '2027-06-29', what: 'archive' },
    ]);
    await days.noteAllLate('2027-06-28', [id], 'late');
    expect(await due()).toContainEqual({ day: '2027-06-28', what: 'archive' });

    const put = async (day: string, resolutions: readonly ('1m' | '1h' | '1d')[] = ['1m', '1h', '1d']) => {
      for (const resolution of resolutions) {
        const key = { deviceId: id, resolution, bucket: dayStart(day) };
        const before = [...(await rollups.read([key])).values()][0]!;
        await dynamodb.db.client.send(
          new TransactWriteCommand({
            TransactItems: [rollups.replace(key, before, addReadings(emptyRollup, [row(id, 1)]))],
          }),
        );
      }
    };
    for (const day of ['2027-06-20', '2027-06-15', '2027-06-05']) await put(day);
    await put('2027-05-28', ['1d']);
    const work = { signal: new AbortController().signal, alive: () => undefined };
    await expired.delete(work);
    const left = async (resolution: '1m' | '1h' | '1d') =>
      (
        await rollups.list(
          { deviceId: id, resolution, from: dayStart('2027-05-01'), to: now },
          { limit: 10, series: 100 },
        )
      ).rollups.map(({ bucket }) => new Date(bucket).toISOString().slice(0, 10));
    expect([await left('1m'), await left('1h'), await left('1d')]).toEqual([
      ['2027-06-20'],
      ['2027-06-15', '2027-06-20'],
      ['2027-06-05', '2027-06-15', '2027-06-20'],
    ]);
    expect(await days.devices('2027-05-28', bucketOf(id))).toEqual([]);
    expect(await expired.delete(work)).toEqual({ days: 0, skipped: 0 });
    expect(await expired.state()).toEqual({
      kept: retention,
      deletedUntil: { '1m': '2027-06-19', '1h': '2027-06-09', '1d': '2027-05-30' },
    });
  });
});
