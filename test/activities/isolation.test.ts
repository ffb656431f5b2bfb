import { MockActivityEnvironment } from '@temporalio/testing';
import type { SliceReport } from '../../src/activities/feeds/types';
import { timeKey } from '../../src/domain/feeds/post';
import type { FeedSettings } from '../../src/domain/feeds/settings';
import { LEADERBOARDS_QUEUE } from '../../src/workflows/leaderboards/declarations';
import { FEEDS_QUEUE } from '../../src/workflows/feeds/declarations';
import { rangesOf } from '../../src/domain/feeds/ranges';
import { BoardStore } from '../../src/stores/leaderboards/boards';
import { StandingsStore } from '../../src/stores/leaderboards/standings';
import { boardApi } from '../support/boards';
import { seedAuthor } from '../support/feeds/seed';
import { feedWorld } from '../support/feeds/world';
import { startTestGraph, type TestGraph } from '../support/graph';
import { type SeenCall, whileDenying, whileRefusing } from '../support/refusals';

// Work on many entities: one of them, whose calls are refused for good, is skipped and told, and the others get what they ought to.

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
const writes = (table: string, id: string) => ({ operation, tables, text }: SeenCall) => /Write|Put|Update|Delete/.test(operation) && tables.includes(table) && text.includes(`"${id}"`);

const settings: FeedSettings = { threshold: 100, cap: 50, backfill: 6, ranges: 1, bulkAbove: 100, trimEvery: 1 };
const [everybody] = rangesOf(1);
const slice = { range: everybody! };
let authors = 0;
async function authorOfMany() {
  const world = feedWorld(graph.dynamodb.db, { settings });
  const authorId = `author-${++authors}`;
  const readers = await seedAuthor(graph.dynamodb.db, authorId, 60);
  const { post } = await world.posting.create({ authorId, postId: `${authorId}-1`, text: 'x', media: [] });
  const reached = async () => (await Promise.all(readers.map(async (reader) => ((await world.rows.all(reader)).length > 0 ? [reader] : [])))).flat();
  return { world, authorId, readers, odd: readers[17]!, post: { key: timeKey(post.at, post.postId), authorId }, reached };
}

describe('feeds', () => {
  it('a post reaches all followers but the one whose feed cannot be written', async () => {
    const { readers, odd, post, reached } = await authorOfMany();
    const before = await skips('fan-out');
    const report = (await whileRefusing(writes('Feed', odd), () => run(FEEDS_QUEUE, 'deliver', post, slice))) as SliceReport;
    expect(report).toEqual({ rows: 60, skipped: 1 });
    expect(await reached()).toEqual(readers.filter((reader) => reader !== odd));
    expect(await skips('fan-out')).toBe(before + 1);
  });

  it('a deleted post goes from all feeds but the one that cannot be written', async () => {
    const { odd, post, reached } = await authorOfMany();
    await run(FEEDS_QUEUE, 'deliver', post, slice);
    expect(await whileRefusing(writes('Feed', odd), () => run(FEEDS_QUEUE, 'retract', post, slice))).toEqual({ rows: 60, skipped: 1 });
    expect(await reached()).toEqual([odd]);
  });

  it.each(['rising', 'falling'] as const)('an author who is %s takes all followers along but the one who cannot be marked', async (direction) => {
    const { world, authorId, readers, odd } = await authorOfMany();
    const marked = () => world.relations.marked(authorId, readers);
    const turn = (way: string, modeVersion: number) => run(FEEDS_QUEUE, 'turnFollowers', { authorId, modeVersion, direction: way }, slice);
    if (direction === 'falling') await turn('rising', 1);
    expect(await whileRefusing(writes('Following', odd), () => turn(direction, 2))).toEqual({ rows: 60, skipped: 1 });
    expect(await marked()).toEqual(new Set(direction === 'rising' ? readers.filter((reader) => reader !== odd) : [odd]));
  });

  it('refused for every follower, or denied, a fan-out skips nobody: it fails as refused, and its workflow holds', async () => {
    const { post, reached } = await authorOfMany();
    const before = await skips('fan-out');
    const all = ({ operation, tables }: SeenCall) => operation === 'BatchWrite' && tables.includes('Feed');
    await expect(whileRefusing(all, () => run(FEEDS_QUEUE, 'deliver', post, slice))).rejects.toMatchObject({ type: 'refused', nonRetryable: true });
    let denied = 0;
    await expect(whileDenying((call) => all(call) && ++denied > 0, () => run(FEEDS_QUEUE, 'deliver', post, slice))).rejects.toMatchObject({ type: 'refused' });
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
    await api.put('', { operator: 'best', rewards: [{ reward: 'gold', fromRank: 1, toRank: 30 }], seasons: { endsAt } }).expect(201);
    const { db } = graph.dynamodb;
    const [store, standings] = [new BoardStore(db), new StandingsStore(db)];
    await store.close(api.gameId, 1, Date.parse(endsAt), [{ reward: 'gold', fromRank: 1, toRank: 30 }], Date.now());
    const players = Array.from({ length: 40 }, (_, i) => ({ rank: i + 1, playerId: `player-${i}`, score: 100 - i, subscore: 0, achievedAt: 1 }));
    await standings.put(api.gameId, 1, 0, players);
    const before = await skips('reward');
    const granted = await whileRefusing(writes('LeaderboardStandings', 'reward#player-5'), () => run(LEADERBOARDS_QUEUE, 'grantRewards', { gameId: api.gameId, season: 1 }, 40));
    expect(granted).toEqual({ rewarded: 29, skipped: 1 });
    const winners = (await standings.rewards(api.gameId, 1, 100)).items.map(({ playerId }) => playerId);
    expect(winners.sort()).toEqual(players.slice(0, 30).map(({ playerId }) => playerId).filter((id) => id !== 'player-5').sort());
    expect(await skips('reward')).toBe(before + 1);
    // Once it is taken, it is granted, and nobody twice.
    expect(await run(LEADERBOARDS_QUEUE, 'grantRewards', { gameId: api.gameId, season: 1 }, 40)).toBe(30);
    expect((await standings.rewards(api.gameId, 1, 100)).items).toHaveLength(30);
  });

  it('bans are carried over for all players but the one whose mark is refused', async () => {
    const api = boardApi(graph);
    await api.put('', { operator: 'best', shards: 2, seasons: { endsAt: new Date(Date.now() + 3_600_000).toISOString() } }).expect(201);
    const players = Array.from({ length: 12 }, (_, i) => `cheat-${i}`);
    const marked = new Set<string>();
    const { db } = graph.dynamodb;
    const store = new BoardStore(db);
    for (const playerId of players) await store.setBan(api.gameId, playerId, { playerId, reason: 'cheating', bannedBy: 'eva', at: 1 }, 1, []);
    const before = await skips('ban');
    const watching = (call: SeenCall) => {
      const playerId = /"PlayerID":"([^"]+)"/.exec(call.text)?.[1];
      if (call.operation !== 'TransactWrite' || playerId === undefined) return false;
      if (playerId === 'cheat-3') return true;
      marked.add(playerId);
      return false;
    };
    expect(await whileRefusing(watching, () => run(LEADERBOARDS_QUEUE, 'carryBans', { gameId: api.gameId, season: 1 }))).toBe(1);
    expect([...marked].sort()).toEqual(players.filter((id) => id !== 'cheat-3').sort());
    expect(await skips('ban')).toBe(before + 1);
  });
});
