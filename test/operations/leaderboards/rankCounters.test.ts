import { DeleteCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { rankCounters, SHARDS_A_BATCH } from '../../../src/operations/leaderboards/rankCounters';
import { Consumer } from '../../../src/operations/platform/streams/consumer';
import { foldingHandler } from '../../../src/operations/platform/streams/foldingHandler';
import type { Board } from '../../../src/domain/leaderboards/board';
import { boardSeason, shardsOf } from '../../../src/domain/leaderboards/rankShards';
import { emptyNewNodes, type RankEntry, rankKinds } from '../../../src/domain/leaderboards/ranking';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { type ItemChange, streamsClient, TableStream } from '../../../src/gateways/streams/tableStream';
import { type CheckedShard, RankCheck } from '../../../src/operations/leaderboards/rankCheck';
import { Rankings } from '../../../src/operations/leaderboards/rankings';
import { RankWriter } from '../../../src/operations/leaderboards/rankWriter';
import { CheckpointStore } from '../../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../../src/stores/platform/deadLetters';
import { madeAt, nodeIds, NodeStore } from '../../../src/stores/leaderboards/nodes';
import { RankStore } from '../../../src/stores/leaderboards/ranks';
import { ScoreStore } from '../../../src/stores/leaderboards/scores';
import { board } from '../../support/boards';
import { REGION, startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { eventually } from '../../support/eventually';
import { readAll, readShard, UNTIL_STOPPED_MS } from '../../support/shards';

let dynamodb: TestDynamoDB;
let source: TableStream;
let scores: ScoreStore;
let ranks: RankStore;
let shardId: string;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  source = new TableStream(
    dynamodb.client,
    streamsClient({ region: REGION, endpoint: dynamodb.endpoint, credentials: LOCAL_CREDENTIALS }),
    dynamodb.db.table('Leaderboard'),
  );
  scores = new ScoreStore(dynamodb.db);
  ranks = new RankStore(dynamodb.db);
  shardId = (await source.listShards())[0]!.shardId;
});
afterAll(() => dynamodb?.stop());

const faults: unknown[] = [];
let damages = 0;
afterEach(() => {
  if (faults.length > 0) throw faults[0];
});

/** A reader as a process of its own has it: its own cache, its own memory of what it proposed. */
function newReader(writer?: Partial<RankWriter>): Consumer<ItemChange> {
  const own = new RankWriter({
    ranks,
    nodes: new NodeStore(dynamodb.db),
    onDamaged: () => void damages++,
    onFault: (error) => faults.push(error),
  });
  const folding = rankCounters(ranks, { propose: own.propose.bind(own), ...writer } as RankWriter);
  return new Consumer<ItemChange>({
    stream: 'leaderboard',
    source,
    handler: foldingHandler(folding, SHARDS_A_BATCH),
    db: dynamodb.db,
    checkpoints: new CheckpointStore(dynamodb.db),
    deadLetters: new DeadLetterStore(dynamodb.db),
  });
}

const newCheck = () => new RankCheck({ ranks, nodes: new NodeStore(dynamodb.db), scores });
const rankings = () => new Rankings({ ranks, nodes: new NodeStore(dynamodb.db) });
const nothing = () => undefined;
let ids = 0;
const submit = (of: Board, playerId: string, score: number, at: number, season = 1) =>
  scores.submit(of, season, { submissionId: String(++ids), playerId, score, subscore: 0 }, at);

/** What sorting the table gives. */
async function oracle(of: Board, season = 1): Promise<RankEntry[]> {
  const all: RankEntry[] = [];
  for (const shard of shardsOf(of, season)) for await (const page of scores.ranked(shard)) all.push(...page);
  return all.sort((a, b) => rankKinds[of.order].compare(a, b));
}
async function served(of: Board, season = 1): Promise<RankEntry[]> {
  const { entries } = await rankings().top(of, season, 100_000);
  return entries.map(({ score, subscore, achievedAt, playerId }): RankEntry => [score, subscore, achievedAt, playerId]);
}
/** Nodes that the table holds of a board. */
async function nodesOf(of: Board): Promise<number> {
  const { Items = [] } = await dynamodb.db.client.send(
    new ScanCommand({ TableName: dynamodb.db.table('LeaderboardRanks') }),
  );
  return Items.filter(
    (item) => String(item['Entry']).startsWith('node#') && String(item['Ranking']).startsWith(`${of.gameId}#`),
  ).length;
}

it('ranks are those of the sorted table, wherever readers stop, die after writing nodes, and race', async () => {
  const write = fc.record({
    player: fc.integer({ min: 0, max: 40 }),
    score: fc.integer({ min: 0, max: 9 }),
    season: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(write, { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 1, max: 3 }),
      async (writes, shards) => {
        const of = board({ operator: 'set', shards });
        for (const [at, { player, score, season }] of writes.entries()) {
          await submit(of, `p${player}`, score, at, season);
          if (at % 25 !== 24) continue;
          // Its nodes are written, and the transaction that would make them current never comes.
          const own = new RankWriter({
            ranks,
            nodes: new NodeStore(dynamodb.db),
            onDamaged: () => void damages++,
            onFault: (error) => faults.push(error),
          });
          const dying = newReader({
            propose: async (...given) => own.propose(...given).then(() => Promise.reject(new Error('killed'))),
          });
          await expect(readShard(dying, shardId)).rejects.toThrow('killed');
        }
        const both = await Promise.allSettled([readShard(newReader(), shardId), readShard(newReader(), shardId)]);
        for (const result of both)
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ type: 'contention' });
        await readAll(newReader());
        for (const season of [1, 2, 3]) expect(await served(of, season)).toEqual(await oracle(of, season));
      },
    ),
    { numRuns: 5 },
  );
});

it('changes leave no more nodes behind than the ranking has', async () => {
  const of = board({ operator: 'increment' });
  const reader = newReader();
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => submit(of, `p${i}`, (i * 7) % 11, round)));
    await readAll(reader);
  }
  await submit(of, 'p1', 1, 99);
  await readAll(reader);
  // Two trees of 50 entries are a node each; those of the version before go with the next change.
  expect(await nodesOf(of)).toBeLessThanOrEqual(4);
});

it('a check while scores keep coming finds nothing wrong, and removes what died readers left', async () => {
  const of = board({ operator: 'increment', shards: 2 });
  const nodes = new NodeStore(dynamodb.db);
  // Nodes of a reader that died 20 minutes ago. The check keeps younger ones: a change in progress may need them.
  for (const shard of shardsOf(of, 1)) {
    const left = emptyNewNodes(nodeIds(Date.now() - 20 * 60_000));
    left.ranks.create(rankKinds[shard.order], { entries: [[1, 0, 1, 'nobody']] });
    await nodes.write(shard, left);
  }
  const stop = new AbortController();
  const reading = newReader().consume(shardId, { signal: stop.signal, forMs: UNTIL_STOPPED_MS, heartbeat: nothing });
  const game = { isOver: false };
  const versions = async () =>
    (await Promise.all(shardsOf(of, 1).map((shard) => ranks.head(shard)))).map(({ version }) => version).join();
  const writing = (async () => {
    for (let at = 0; !game.isOver; at++) {
      const before = await versions();
      await Promise.all(Array.from({ length: 6 }, (_, i) => submit(of, `p${(at * 6 + i) % 200}`, at % 5, at)));
      // No faster than the reader on average, which would otherwise fall behind for good on a busy machine.
      if (at % 10 === 9) await eventually(versions, (now) => game.isOver || now !== before);
    }
  })();
  try {
    const results: CheckedShard[] = [];
    for (let round = 0; round < 3; round++)
      for (const shard of shardsOf(of, 1)) results.push(await newCheck().run(shard, round === 1, nothing));
    expect(results.map(({ differences, replaced }) => [differences, replaced])).toEqual([
      [0, false],
      [0, false],
      [0, true],
      [0, true],
      [0, false],
      [0, false],
    ]);
    game.isOver = true;
    await writing;
    for (const shard of shardsOf(of, 1))
      expect(await newCheck().run(shard, false, nothing)).toMatchObject({ differences: 0 });
    for (const shard of shardsOf(of, 1))
      for await (const stored of nodes.all(shard))
        expect(stored.filter((id) => madeAt(id) < Date.now() - 15 * 60_000)).toEqual([]);
  } finally {
    game.isOver = true;
    stop.abort();
    await Promise.all([writing, reading]);
  }
  await readAll(newReader());
  expect(await served(of)).toEqual(await oracle(of));
});

it('damage of every kind is found, counted and repaired, without a moment of silence', async () => {
  const of = board({ operator: 'set' });
  const [shard] = shardsOf(of, 1);
  for (let i = 0; i < 150; i++) await submit(of, `p${i}`, i, i);
  const TableName = dynamodb.db.table('LeaderboardRanks');
  const stop = new AbortController();
  const reading = newReader().consume(shardId, { signal: stop.signal, forMs: UNTIL_STOPPED_MS, heartbeat: nothing });
  const check = async () => {
    // Served all the while, and never by half a ranking.
    const sizes = new Set<number>();
    const asked = { isOver: false };
    const asking = (async () => {
      while (!asked.isOver)
        sizes.add(
          (
            await rankings()
              .top(of, 1, 200)
              .catch(() => ({ players: -1 }))
          ).players,
        );
    })();
    const result = await newCheck().run(shard!, false, nothing);
    asked.isOver = true;
    await asking;
    return { ...result, sizes: [...sizes] };
  };
  try {
    expect(await check()).toMatchObject({ players: 150, differences: 0, replaced: false });
    // A change that was lost, as when a stream was left unread for longer than it keeps: two players' scores differ.
    const { ranking, version } = await ranks.head(shard!);
    await submit(of, 'p3', 1_000, 1);
    await submit(of, 'p4', 1_000, 2);
    await eventually(
      () => ranks.head(shard!),
      (head) => head.version !== version,
    );
    await check();
    await dynamodb.db.client.send(
      new UpdateCommand({
        TableName,
        Key: { Ranking: boardSeason(shard!), Entry: 'head' },
        UpdateExpression: 'SET Roots = :old',
        ExpressionAttributeValues: { ':old': JSON.stringify(ranking) },
      }),
    );
    expect((await served(of).catch(() => [])).length === 0 || (await served(of))[0]![3] !== 'p3').toBe(true);
    const lost = await check();
    expect(lost).toMatchObject({ replaced: true });
    expect(lost.differences).toBeGreaterThanOrEqual(2);
    expect(await served(of)).toEqual(await oracle(of));
    // A node that is gone.
    const { Items = [] } = await dynamodb.db.client.send(new ScanCommand({ TableName }));
    const nodes = Items.filter(
      (item) => String(item['Ranking']).startsWith(`${of.gameId}#`) && String(item['Entry']).startsWith('node#'),
    );
    for (const { Ranking, Entry } of nodes)
      await dynamodb.db.client.send(new DeleteCommand({ TableName, Key: { Ranking, Entry } }));
    await submit(of, 'p5', 5_000, 3);
    expect(await check()).toMatchObject({ differences: 150, replaced: true });
    expect(damages).toBeGreaterThan(0);
    expect(await served(of)).toEqual(await oracle(of));
    expect(await check()).toMatchObject({ differences: 0, replaced: false });
  } finally {
    stop.abort();
    await reading;
  }
});

it('what is no score of a board is kept aside with the reason', async () => {
  const TableName = dynamodb.db.table('Leaderboard');
  await dynamodb.db.client.send(
    new PutCommand({ TableName, Item: { BoardSeason: 'elsewhere', PlayerID: 'ada', Score: 1 } }),
  );
  await dynamodb.db.client.send(
    new PutCommand({
      TableName,
      Item: {
        BoardSeason: boardSeason({ gameId: 'g', season: 1, shard: 0, order: 'ascending' }),
        PlayerID: 'ada',
        Score: 'many',
      },
    }),
  );
  await readAll(newReader());
  const { items } = await new DeadLetterStore(dynamodb.db).list('leaderboard', { limit: 10 });
  expect(items.map(({ reason }) => reason)).toEqual([
    'BoardSeason is not game#season#shard#order',
    'Score is not an integer',
  ]);
});

it('a malformed score keeps the last rank and stops neither readers nor checks; once repaired, it counts', async () => {
  const of = board({ operator: 'set' });
  await submit(of, 'ada', 5, 1);
  await submit(of, 'bob', 4, 2);
  await readAll(newReader());
  const [shard] = shardsOf(of, 1);
  const item = { BoardSeason: boardSeason(shard!), PlayerID: 'ada', Score: 9, Subscore: 0, AchievedAt: 3 };
  const put = (Item: object) =>
    dynamodb.db.client.send(new PutCommand({ TableName: dynamodb.db.table('Leaderboard'), Item: { ...Item } }));
  await put({ ...item, PlayerName: 7 });
  await readAll(newReader());
  const letters = await new DeadLetterStore(dynamodb.db).list('leaderboard', { limit: 100 });
  expect(letters.items.map(({ reason }) => reason)).toContain('PlayerName is not a string');
  expect((await served(of)).map(([score, , , playerId]) => [playerId, score])).toEqual([
    ['ada', 5],
    ['bob', 4],
  ]);
  const reported: string[] = [];
  const lenient = new ScoreStore({ ...dynamodb.db, onMalformed: ({ reason }) => void reported.push(reason) });
  const found: RankEntry[] = [];
  for await (const page of lenient.ranked(shard!)) found.push(...page);
  expect(found.map(([, , , playerId]) => playerId)).toEqual(['bob']);
  expect(reported).toEqual(['PlayerName is not a string']);
  await put(item);
  await readAll(newReader());
  expect(await served(of)).toEqual(await oracle(of));
});
