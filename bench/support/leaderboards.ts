import { DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { rankCounters, SHARDS_A_BATCH } from '../../src/operations/leaderboards/rankCounters';
import { Consumer } from '../../src/operations/platform/streams/consumer';
import { foldingHandler } from '../../src/operations/platform/streams/foldingHandler';
import type { Board, Operator } from '../../src/domain/leaderboards/board';
import { boardSeason, shardsOf } from '../../src/domain/leaderboards/rankShards';
import type { RankEntry } from '../../src/domain/leaderboards/ranking';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { streamsClient, TableStream } from '../../src/gateways/streams/tableStream';
import { Boards } from '../../src/operations/leaderboards/boards';
import { RankCheck } from '../../src/operations/leaderboards/rankCheck';
import { Rankings } from '../../src/operations/leaderboards/rankings';
import { RankWriter } from '../../src/operations/leaderboards/rankWriter';
import { Submissions } from '../../src/operations/leaderboards/submissions';
import { batchWrite } from '../../src/stores/batchWrite';
import type { DocumentSender } from '../../src/stores/documentClient';
import { CheckpointStore } from '../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../src/stores/platform/deadLetters';
import { BoardStore } from '../../src/stores/leaderboards/boards';
import { NodeStore } from '../../src/stores/leaderboards/nodes';
import { RankStore } from '../../src/stores/leaderboards/ranks';
import { ScoreStore } from '../../src/stores/leaderboards/scores';
import { OutboxStore } from '../../src/stores/platform/outbox';
import { board as boardOf } from '../../test/support/boards';
import { REGION, type TestDynamoDB } from '../../test/support/dynamodb';
import { bar } from './bar';

const stop = (error: unknown): never => {
  throw error;
};

async function setStream({ client, db }: TestDynamoDB, StreamEnabled: boolean): Promise<void> {
  await client.send(
    new UpdateTableCommand({
      TableName: db.table('Leaderboard'),
      StreamSpecification: { StreamEnabled, ...(StreamEnabled && { StreamViewType: 'NEW_AND_OLD_IMAGES' as const }) },
    }),
  );
}

/**
 * Returns submissions as the API makes them, and the bare write of an item of the same size, on a table without a
 * stream, which would slow down dynoxide.
 */
export async function bareScores(dynamodb: TestDynamoDB) {
  const { db } = dynamodb;
  await setStream(dynamodb, false);
  const store = new BoardStore(db);
  const scores = new ScoreStore(db);
  const outbox = new OutboxStore(db);
  const boards = new Boards(
    {
      boards: store,
      scores,
      outbox: { recording: (entry) => outbox.recording(entry), dispatchSoon: () => undefined },
      onFault: stop,
    },
    { fenceMs: 60_000 },
  );
  const submissions = new Submissions({ boards, store, scores }, 60_000);
  const ids = (from: number) => Array.from({ length: 12 }, (_, i) => `remembered${String(from + i).padStart(3, '0')}`);
  const sdk = DynamoDBDocumentClient.from(
    new DynamoDBClient({ region: REGION, endpoint: dynamodb.endpoint, credentials: LOCAL_CREDENTIALS }),
  );
  let next = 0;
  return {
    submissions,
    async newBoard(operator: Operator): Promise<string> {
      const { gameId, version: _, latestSeason: __, ...definition } = boardOf({ operator });
      await boards.put(gameId, definition, undefined);
      return gameId;
    },
    /** @param client default: the SDK's document client with its defaults */
    async bare(client: DocumentSender = sdk): Promise<void> {
      const n = next++;
      await client.send(
        new UpdateCommand({
          TableName: db.table('Leaderboard'),
          Key: { BoardSeason: 'bare', PlayerID: `p${n % 500}` },
          UpdateExpression:
            'SET Score = :score, Subscore = :zero, AchievedAt = :now, ChangedAt = :now, PlayerName = :name, ' +
            'Country = :country, Recent = :ids',
          ExpressionAttributeValues: {
            ':score': n,
            ':zero': 0,
            ':now': Date.now(),
            ':name': 'Ada Lovelace',
            ':country': 'GB',
            ':ids': new Set(ids(n % 900)),
          },
        }),
      );
    },
  };
}

export interface FilledBoard {
  board: Board;
  players: number;
  nodes: number;
  score(n: number): number;
  playerId(n: number): string;
  readonly rankings: Rankings;
  /** Changes the scores of `size` random players in one batch. */
  change(size: number): Promise<void>;
  /** Empties the caches. */
  forget(): void;
}

const score = (n: number) => (n % 10 === 0 ? 500_000 : (n * 7_919) % 1_000_003);
const playerId = (n: number) => `player-${n}`;

/**
 * Writes the scores of a board to its table and rebuilds the ranks from it while the stream is read. Prints the
 * duration.
 */
export async function rebuildBoard(dynamodb: TestDynamoDB, players: number): Promise<void> {
  const { db, client, endpoint } = dynamodb;
  const [shard] = shardsOf(boardOf(), 1);
  if (!shard) throw new RangeError('A board has a shard');
  const items = Array.from({ length: players }, (_, n) => ({
    BoardSeason: boardSeason(shard),
    PlayerID: playerId(n),
    Score: score(n),
    Subscore: 0,
    AchievedAt: n,
    ChangedAt: n,
  }));
  await batchWrite(
    db,
    'Leaderboard',
    items.map((Item) => ({ PutRequest: { Item } })),
  );
  await setStream(dynamodb, true);
  const ranks = new RankStore(db);
  const nodes = new NodeStore(db);
  const source = new TableStream(
    client,
    streamsClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS }),
    db.table('Leaderboard'),
  );
  const writer = new RankWriter({ ranks, nodes, onDamaged: (_, error) => stop(error), onFault: stop });
  const consumer = new Consumer({
    stream: 'leaderboard',
    source,
    handler: foldingHandler(rankCounters(ranks, writer), SHARDS_A_BATCH),
    db,
    checkpoints: new CheckpointStore(db),
    deadLetters: new DeadLetterStore(db),
  });
  const shards = await source.listShards();
  const over = new AbortController();
  const reading = consumer.consume(shards.at(-1)?.shardId ?? '', {
    signal: over.signal,
    forMs: 3_600_000,
    heartbeat: () => undefined,
  });
  const check = new RankCheck({ ranks, nodes, scores: new ScoreStore(db) });
  const started = performance.now();
  await check.run(shard, true, () => undefined);
  const rebuilt = performance.now();
  const { differences } = await check.run(shard, false, () => undefined);
  console.log(
    `${players} players: rebuilt in ${((rebuilt - started) / 1000).toFixed(1)} s, checked in ` +
      `${((performance.now() - rebuilt) / 1000).toFixed(1)} s with ${differences} differences.`,
  );
  over.abort();
  await reading;
}

/** Returns the ranks of a board with `players` players, a tenth of whom have the same score. */
export async function fillBoard({ db }: TestDynamoDB, players: number): Promise<FilledBoard> {
  const of = boardOf();
  const [shard] = shardsOf(of, 1);
  if (!shard) throw new RangeError('A board has a shard');
  const ranks = new RankStore(db);
  const nodes = new NodeStore(db);
  const writer = new RankWriter({ ranks, nodes, onDamaged: (_, error) => stop(error), onFault: stop });
  const progress = bar('players', players);
  const apply = async (changes: Map<string, RankEntry>) => {
    const TransactItems = await writer.propose(shard, await ranks.head(shard), {
      changes,
      asOf: Date.now(),
      isSealed: false,
    });
    await db.client.send(new TransactWriteCommand({ TransactItems }));
  };
  await apply(
    new Map(
      Array.from({ length: players }, (_, n): [string, RankEntry] => [playerId(n), [score(n), 0, n, playerId(n)]]),
    ),
  );
  progress.update(players);
  progress.stop();
  let count = 0;
  for await (const ids of nodes.all(shard)) count += ids.length;
  let rankings = new Rankings({ ranks, nodes: new NodeStore(db) });
  return {
    board: of,
    players,
    nodes: count,
    score,
    playerId,
    get rankings() {
      return rankings;
    },
    async change(size) {
      const ids = Array.from({ length: size }, () => playerId(Math.floor(Math.random() * players)));
      await apply(
        new Map(ids.map((id): [string, RankEntry] => [id, [Math.floor(Math.random() * 1_000_003), 0, Date.now(), id]])),
      );
    },
    forget: () => void (rankings = new Rankings({ ranks, nodes: new NodeStore(db) })),
  };
}
