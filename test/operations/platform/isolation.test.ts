import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { readConfig } from '../../../src/graph/config';
import { addDays } from '../../../src/domain/devices/days';
import { emptyRollup, resolutions } from '../../../src/domain/devices/rollup';
import { timeKey } from '../../../src/domain/feeds/post';
import type { FeedSettings } from '../../../src/domain/feeds/settings';
import type { DeviceArchive } from '../../../src/gateways/devices/deviceArchive';
import { Archiver } from '../../../src/operations/devices/archiver';
import { DueDays } from '../../../src/operations/devices/dueDays';
import { DEVICES_QUEUE } from '../../../src/domain/devices/workflows';
import { LEADERBOARDS_QUEUE } from '../../../src/domain/leaderboards/workflows';
import { FEEDS_QUEUE, type SliceReport } from '../../../src/domain/feeds/workflows';
import { rangesOf } from '../../../src/domain/feeds/ranges';
import { ArchiveStore } from '../../../src/stores/devices/archives';
import { DayStore } from '../../../src/stores/devices/days';
import { withId } from '../../../src/stores/devices/readingId';
import { ReadingStore } from '../../../src/stores/devices/readings';
import { RetentionStore } from '../../../src/stores/devices/retention';
import { RollupStore } from '../../../src/stores/devices/rollups';
import { NotificationStore } from '../../../src/stores/platform/notifications';
import { BoardStore } from '../../../src/stores/leaderboards/boards';
import { StandingsStore } from '../../../src/stores/leaderboards/standings';
import { FakeClock } from '../../support/clock';
import { boardApi } from '../../support/boards';
import { seedAuthor } from '../../support/feeds/seed';
import { feedWorld } from '../../support/feeds/world';
import { startTestGraph, type TestGraph } from '../../support/graph';
import { type SeenCall, whileDenying, whileRefusing } from '../../support/refusals';
import { devicesTogether, passMark } from '../../support/rollupChecks';

// Work on many entities: one of them, whose calls are refused for good, is skipped and told, and the others get what
// they ought to.

let graph: TestGraph;
beforeAll(async () => void (graph = await startTestGraph()), 120_000);
afterAll(() => graph?.stop());

type Activities = Record<string, (...args: unknown[]) => Promise<unknown>>;
const run = (queue: string, name: string, ...args: unknown[]) =>
  new MockActivityEnvironment().run((graph.activities as Record<string, Activities>)[queue]![name]!, ...args);
async function skips(work: string): Promise<number> {
  const { values } = await graph.metrics.registry.getSingleMetric('longwatch_skipped_total')!.get();
  return values.find(({ labels }) => labels['work'] === work)?.value ?? 0;
}
/** Writes to a table that name an id. */
const writes =
  (table: string, id: string) =>
  ({ operation, tables, text }: SeenCall) =>
    /Write|Put|Update|Delete/.test(operation) && tables.includes(table) && text.includes(`"${id}"`);

const settings: FeedSettings = { threshold: 100, cap: 50, backfill: 6, ranges: 1, bulkAbove: 100, trimEvery: 1 };
const [everybody] = rangesOf(1);
const slice = { range: everybody! };
let authors = 0;
async function authorOfMany() {
  const world = feedWorld(graph.dynamodb.db, { settings });
  const authorId = `author-${++authors}`;
  const readers = await seedAuthor(graph.dynamodb.db, authorId, 60);
  const { post } = await world.posting.create({ authorId, postId: `${authorId}-1`, text: 'x', media: [] });
  const reached = async () =>
    (
      await Promise.all(readers.map(async (reader) => ((await world.rows.all(reader)).length > 0 ? [reader] : [])))
    ).flat();
  return {
    world,
    authorId,
    readers,
    odd: readers[17]!,
    post: { key: timeKey(post.at, post.postId), authorId },
    reached,
  };
}

describe('feeds', () => {
  it('a post reaches all followers but the one whose feed cannot be written', async () => {
    const { readers, odd, post, reached } = await authorOfMany();
    const before = await skips('fan-out');
    const report = (await whileRefusing(writes('Feed', odd), () =>
      run(FEEDS_QUEUE, 'deliver', post, slice),
    )) as SliceReport;
    expect(report).toEqual({ rows: 60, skipped: 1 });
    expect(await reached()).toEqual(readers.filter((reader) => reader !== odd));
    expect(await skips('fan-out')).toBe(before + 1);
  });

  it('a deleted post goes from all feeds but the one that cannot be written', async () => {
    const { odd, post, reached } = await authorOfMany();
    await run(FEEDS_QUEUE, 'deliver', post, slice);
    expect(await whileRefusing(writes('Feed', odd), () => run(FEEDS_QUEUE, 'retract', post, slice))).toEqual({
      rows: 60,
      skipped: 1,
    });
    expect(await reached()).toEqual([odd]);
  });

  it.each(['rising', 'falling'] as const)(
    'an author who is %s takes all followers along but the one who cannot be marked',
    async (direction) => {
      const { world, authorId, readers, odd } = await authorOfMany();
      const marked = () => world.relations.marked(authorId, readers);
      const turn = (way: string, modeVersion: number) =>
        run(FEEDS_QUEUE, 'turnFollowers', { authorId, modeVersion, direction: way }, slice);
      if (direction === 'falling') await turn('rising', 1);
      expect(await whileRefusing(writes('Following', odd), () => turn(direction, 2))).toEqual({ rows: 60, skipped: 1 });
      expect(await marked()).toEqual(
        new Set(direction === 'rising' ? readers.filter((reader) => reader !== odd) : [odd]),
      );
    },
  );

  it('refused for every follower, or denied, a fan-out skips nobody: it fails, and its workflow holds', async () => {
    const { post, reached } = await authorOfMany();
    const before = await skips('fan-out');
    const all = ({ operation, tables }: SeenCall) => operation === 'BatchWrite' && tables.includes('Feed');
    await expect(whileRefusing(all, () => run(FEEDS_QUEUE, 'deliver', post, slice))).rejects.toMatchObject({
      type: 'refused',
      nonRetryable: true,
    });
    let denied = 0;
    await expect(
      whileDenying(
        (call) => all(call) && ++denied > 0,
        () => run(FEEDS_QUEUE, 'deliver', post, slice),
      ),
    ).rejects.toMatchObject({ type: 'refused' });
    // Not bisected: three batches of at most 25.
    expect(denied).toBeLessThanOrEqual(3);
    expect(await reached()).toEqual([]);
    expect(await skips('fan-out')).toBe(before);
  });
});

describe('seasons', () => {
  it('rewards go to all winners but the one whose record is refused', async () => {
    const api = boardApi(graph);
    const endsAt = new Date(Date.now() + 3_600_000).toISOString();
    await api
      .put('', { operator: 'best', rewards: [{ reward: 'gold', fromRank: 1, toRank: 30 }], seasons: { endsAt } })
      .expect(201);
    const { db } = graph.dynamodb;
    const [store, standings] = [new BoardStore(db), new StandingsStore(db)];
    await store.close(api.gameId, 1, Date.parse(endsAt), [{ reward: 'gold', fromRank: 1, toRank: 30 }], Date.now());
    const players = Array.from({ length: 40 }, (_, i) => ({
      rank: i + 1,
      playerId: `player-${i}`,
      score: 100 - i,
      subscore: 0,
      achievedAt: 1,
    }));
    await standings.put(api.gameId, 1, 0, players);
    const before = await skips('reward');
    const granted = await whileRefusing(writes('LeaderboardStandings', 'reward#player-5'), () =>
      run(LEADERBOARDS_QUEUE, 'grantRewards', { gameId: api.gameId, season: 1 }, 40),
    );
    expect(granted).toEqual({ rewarded: 29, skipped: 1 });
    const winners = (await standings.rewards(api.gameId, 1, { limit: 100 })).items.map(({ playerId }) => playerId);
    expect(winners.sort()).toEqual(
      players
        .slice(0, 30)
        .map(({ playerId }) => playerId)
        .filter((id) => id !== 'player-5')
        .sort(),
    );
    expect(await skips('reward')).toBe(before + 1);
    // Once it is taken, it is granted, and nobody twice.
    expect(await run(LEADERBOARDS_QUEUE, 'grantRewards', { gameId: api.gameId, season: 1 }, 40)).toBe(30);
    expect((await standings.rewards(api.gameId, 1, { limit: 100 })).items).toHaveLength(30);
  });

  it.each(['Get', 'Query'])(
    'rankings to check are found of all boards but the one whose %s is refused',
    async (operation) => {
      const boards = [boardApi(graph), boardApi(graph), boardApi(graph)];
      for (const { put } of boards) await put('', { operator: 'best' }).expect(201);
      const [one, odd, other] = boards.map(({ gameId }) => gameId);
      const refusing = (call: SeenCall) => call.operation === operation && call.text.includes(odd!);
      const { shards, skipped } = (await whileRefusing(refusing, () => run(LEADERBOARDS_QUEUE, 'ranksToCheck'))) as {
        shards: { gameId: string }[];
        skipped?: number;
      };
      const games = new Set(shards.map(({ gameId }) => gameId));
      expect([games.has(one!), games.has(odd!), games.has(other!), skipped]).toEqual([true, false, true, 1]);
      // Who asks for this board is told why.
      await expect(whileRefusing(refusing, () => run(LEADERBOARDS_QUEUE, 'ranksToCheck', odd))).rejects.toMatchObject({
        type: 'refused',
      });
    },
  );

  it('bans are carried over for all players but the one whose mark is refused', async () => {
    const api = boardApi(graph);
    await api
      .put('', { operator: 'best', shards: 2, seasons: { endsAt: new Date(Date.now() + 3_600_000).toISOString() } })
      .expect(201);
    const players = Array.from({ length: 12 }, (_, i) => `cheat-${i}`);
    const marked = new Set<string>();
    const { db } = graph.dynamodb;
    const store = new BoardStore(db);
    for (const playerId of players)
      await store.setBan(api.gameId, playerId, { playerId, reason: 'cheating', bannedBy: 'eva', at: 1 }, 1, []);
    const before = await skips('ban');
    const watching = (call: SeenCall) => {
      const playerId = /"PlayerID":"([^"]+)"/.exec(call.text)?.[1];
      if (call.operation !== 'TransactWrite' || playerId === undefined) return false;
      if (playerId === 'cheat-3') return true;
      marked.add(playerId);
      return false;
    };
    expect(
      await whileRefusing(watching, () => run(LEADERBOARDS_QUEUE, 'carryBans', { gameId: api.gameId, season: 1 })),
    ).toBe(1);
    expect([...marked].sort()).toEqual(players.filter((id) => id !== 'cheat-3').sort());
    expect(await skips('ban')).toBe(before + 1);
  });
});

/** Refuses one kind of call after the other where it names the odd entity. */
const naming = (operation: string, table: string, id: string) => (call: SeenCall) =>
  call.operation === operation && call.tables.includes(table) && call.text.includes(id);

describe('devices', () => {
  const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
  async function dayOfMany(date = day) {
    const { db } = graph.dynamodb;
    const [days, readings, rollups] = [new DayStore(db), new ReadingStore(db), new RollupStore(db)];
    const { bucket, ids } = devicesTogether(4);
    for (const deviceId of ids) {
      await days.note(deviceId, date, ['t'], 200);
      await readings.put([withId({ deviceId, timestamp: Date.parse(date) + 60_000, metrics: '{"t":1}' })]);
    }
    const rolledUp = async (resolution: '1m' | '1d' = '1m') =>
      (
        await Promise.all(
          ids.map(async (deviceId) => ((await rollups.ofDay(deviceId, date, [resolution])).size > 0 ? [deviceId] : [])),
        )
      ).flat();
    return { days, rollups, bucket, ids, odd: ids[1]!, rolledUp };
  }
  const passing = (refuse: (call: SeenCall) => boolean) => (call: SeenCall) => {
    if (refuse(call)) return true;
    passMark(graph.dynamodb.db, call);
    return false;
  };

  it.each([
    ['Query', 'DeviceRollups'],
    ['Query', 'DeviceData'],
    ['Put', 'DeviceData'],
    ['Get', 'Devices'],
    ['BatchWrite', 'Devices'],
    ['Put', 'DeviceRollups'],
  ])('a check of rollups puts right all devices but the one whose %s to %s is refused', async (operation, table) => {
    const { bucket, ids, odd, rolledUp } = await dayOfMany();
    const before = await skips('rollup');
    const checked = await whileRefusing(passing(naming(operation, table, odd)), () =>
      run(DEVICES_QUEUE, 'checkRollups', day, bucket),
    );
    expect(checked).toMatchObject({ unsettled: 0, skipped: 1 });
    expect((await rolledUp()).filter((id) => id !== odd)).toEqual(ids.filter((id) => id !== odd));
    expect(await rolledUp()).not.toContain(odd);
    expect(await skips('rollup')).toBe(before + 1);
    // Once it is taken, it is put right as well.
    expect(
      await whileRefusing(
        passing(() => false),
        () => run(DEVICES_QUEUE, 'checkRollups', day, bucket),
      ),
    ).not.toHaveProperty('skipped');
    expect(await rolledUp()).toEqual(ids);
  });

  it('refused for every device, or denied, a check of rollups fails as refused and skips nobody', async () => {
    const { bucket } = await dayOfMany();
    const before = await skips('rollup');
    const readings = ({ operation, tables }: SeenCall) => operation === 'Query' && tables.includes('DeviceData');
    for (const refusing of [whileRefusing, whileDenying])
      await expect(refusing(readings, () => run(DEVICES_QUEUE, 'checkRollups', day, bucket))).rejects.toMatchObject({
        type: 'refused',
        nonRetryable: true,
      });
    expect(await skips('rollup')).toBe(before);
  });

  it.each([
    ['Query', 'DeviceRollups'],
    ['BatchWrite', 'DeviceRollups'],
    ['BatchWrite', 'DeviceDays'],
  ])('old rollups go of all devices but the one whose %s to %s is refused', async (operation, table) => {
    // Past the age of all rollups, and of the days that are looked at in a first run.
    const retention = new RetentionStore(graph.dynamodb.db);
    const old = new Date(Date.now() - (readConfig({}).LONGWATCH_KEEP_DAYS_DAYS + 3) * 86_400_000)
      .toISOString()
      .slice(0, 10);
    const { days, rollups, bucket, ids, odd, rolledUp } = await dayOfMany(old);
    for (const deviceId of ids)
      await rollups.swap(
        { deviceId, resolution: '1d', bucket: Date.parse(old) },
        { rollup: emptyRollup, version: 0 },
        { readings: 1, metrics: {} },
      );
    // The other resolutions are done: this is about one day.
    for (const resolution of resolutions)
      await retention.done(
        resolution,
        resolution === '1d' ? addDays(old, -1) : addDays(new Date().toISOString().slice(0, 10), -1),
      );
    const before = await skips('rollup-deletion');
    expect(await whileRefusing(naming(operation, table, odd), () => run(DEVICES_QUEUE, 'deleteRollups'))).toMatchObject(
      { days: expect.any(Number), skipped: expect.any(Number) },
    );
    expect(await skips('rollup-deletion')).toBeGreaterThan(before);
    expect((await rolledUp('1d')).filter((id) => id !== odd)).toEqual([]);
    expect(await days.devices(old, bucket)).toEqual([odd]);
    expect(await retention.deletedUntil('1d')).toBe(
      addDays(new Date().toISOString().slice(0, 10), -readConfig({}).LONGWATCH_KEEP_DAYS_DAYS - 1),
    );
    await days.forget(old, ids);
  });

  it('a restored part comes back of all devices but the one of which the day cannot be told', async () => {
    const { db } = graph.dynamodb;
    const { ids, odd } = await dayOfMany();
    const rows = ids.map((deviceId) => withId({ deviceId, timestamp: Date.parse(day) + 120_000, metrics: '{"t":2}' }));
    const skipped: string[] = [];
    const [readings, days] = [new ReadingStore(db), new DayStore(db)];
    const archive = {
      rows: async function* () {
        yield rows;
      },
    } as unknown as DeviceArchive;
    const archiver = new Archiver(
      { readings, days, archives: new ArchiveStore(db, days), archive, onSkipped: (entity) => skipped.push(entity) },
      { archiveAfterMs: 0 },
    );
    const part = { name: 'part-0', rows: rows.length, bytes: 1, sha256: '', minTime: 0, maxTime: 0 };
    await whileRefusing(naming('BatchWrite', 'DeviceDays', odd), () =>
      archiver.restorePart(day, part, { signal: new AbortController().signal, alive: () => undefined }),
    );
    expect(skipped).toEqual([`the late marker of restored readings of ${day} of ${odd}`]);
    const counts = await Promise.all(ids.map(async (deviceId) => (await readings.page({ deviceId, day })).rows.length));
    expect(counts).toEqual(ids.map((id) => (id === odd ? 1 : 2)));
  });

  it('days are found that are to be archived, but the one of which it cannot be read', async () => {
    const { db } = graph.dynamodb;
    const days = new DayStore(db);
    const left: string[] = [];
    const [one, odd, other] = ['2031-01-01', '2031-01-02', '2031-01-03'];
    const now = Date.parse('2031-01-06');
    const dueDays = new DueDays(
      {
        days,
        archives: new ArchiveStore(db, days),
        onDayLeft: (entity) => left.push(entity),
        clock: new FakeClock(now),
      },
      {
        retention: { rollups: { '1m': 10, '1h': 10, '1d': 10 }, archive: 100, restored: 2 },
        archiveAfterMs: 0,
        lateWindowMs: 86_400_000,
        archives: true,
      },
    );
    for (const each of [one, odd, other]) await days.note('d', each, ['t'], 200);
    expect(await whileRefusing(naming('Query', 'DeviceDays', `${odd}#`), () => dueDays.find())).toEqual([
      { day: one, what: 'archive' },
      { day: other, what: 'archive' },
    ]);
    expect(left).toEqual([`the check whether ${odd} must be archived`]);
  });

  it(
    'alerts are told to all but the one whose message cannot be stored, and that is reported; a missing grant ' +
      'holds all of them',
    async () => {
      const events = ['one', 'odd', 'other'].map((name) => ({
        event: 'raised',
        alertId: name,
        deviceId: `d-${name}`,
        recipient: `people-${randomUUID()}`,
        text: 'hot',
        at: Date.now(),
      }));
      const told = () =>
        Promise.all(
          events.map(
            async ({ recipient }) => (await new NotificationStore(graph.dynamodb.db).list(recipient)).items.length,
          ),
        );
      const before = await skips('message');
      await whileRefusing(naming('Put', 'Notifications', events[1]!.recipient), () =>
        run(DEVICES_QUEUE, 'tellAlerts', events),
      );
      expect(await told()).toEqual([1, 0, 1]);
      expect(await skips('message')).toBe(before + 1);
      await expect(
        whileDenying(naming('Put', 'Notifications', events[1]!.recipient), () =>
          run(DEVICES_QUEUE, 'tellAlerts', events),
        ),
      ).rejects.toMatchObject({ type: 'refused' });
      expect(await skips('message')).toBe(before + 1);
    },
  );
});
