import Table from 'cli-table3';
import { operators } from '../src/domain/leaderboards/board';
import { removeDataDir, startLongwatch } from '../test/support/stack';
import { startTestDynamoDB, type TestDynamoDB } from '../test/support/dynamodb';
import { bar as startBar } from './support/bar';
import { closeConnections, post, retried } from './support/http';
import { bareScores, fillBoard, type FilledBoard, rebuildBoard } from './support/leaderboards';
import { latencies, median, ms, percentile, ratio, throughput } from './support/measure';
import { type Redis, startRedis } from './support/redis';
import type { Reached } from './support/targets';

export interface LeaderboardsBenchSettings {
  rounds: number;
  /** Number of samples per round. */
  samples: number;
  /** Number of players on the board from which ranks are read. */
  players: number;
  /** Seconds of load while the lag of the ranks is measured. */
  seconds: number;
}

/**
 * Players of the board that is rebuilt from its table. The number is limited because dynoxide reads a page more slowly
 * the more items its partition has, unlike DynamoDB.
 */
const REBUILT = 20_000;

/**
 * Measures a submission in comparison with the bare UpdateItem of the same item, ranks in comparison with Redis on the
 * same machine, and the lag of the ranks under load. Compared measurements take turns, so that noise of the machine
 * affects all alike.
 */
export async function benchLeaderboards(settings: LeaderboardsBenchSettings): Promise<Reached[]> {
  const dynamodb = await startTestDynamoDB();
  try {
    const reached = await submissions(dynamodb, settings);
    await reads(dynamodb, settings);
    await rebuildBoard(dynamodb, REBUILT);
    await lag(settings);
    return reached;
  } finally {
    await dynamodb.stop();
  }
}

/** Measures submissions only. */
export async function benchSubmissions(settings: Pick<LeaderboardsBenchSettings, 'rounds' | 'samples'>) {
  const dynamodb = await startTestDynamoDB();
  try {
    return await submissions(dynamodb, settings);
  } finally {
    await dynamodb.stop();
  }
}

async function submissions(
  dynamodb: TestDynamoDB,
  { rounds, samples }: Pick<LeaderboardsBenchSettings, 'rounds' | 'samples'>,
): Promise<Reached[]> {
  const { submissions: product, newBoard, bare } = await bareScores(dynamodb);
  const table = new Table({
    head: ['', 'p50', 'p95', 'over the bare UpdateItem, median of rounds', 'write units'],
    style: { head: [], border: [] },
  });
  const floor: number[][] = [];
  const subjects = await Promise.all(
    operators.map(async (operator) => ({ operator, gameId: await newBoard(operator), taken: [] as number[][] })),
  );
  let next = 0;
  const submit = (gameId: string) => async () => {
    const n = next++;
    // Every submission changes a score: new players or higher scores.
    const [result] = await product.submit(gameId, [
      {
        submissionId: `s${n}`,
        playerId: `p${n % 500}`,
        score: n + 1,
        subscore: 0,
        name: 'Ada Lovelace',
        country: 'GB',
      },
    ]);
    if (!result || !('status' in result) || result.status !== 'applied') throw new Error(JSON.stringify(result));
  };
  await latencies(50, () => bare());
  for (const { gameId } of subjects) await latencies(50, submit(gameId));
  const progress = startBar('rounds', rounds);
  for (let round = 0; round < rounds; round++) {
    floor.push(await latencies(samples, () => bare()));
    for (const { gameId, taken } of subjects) taken.push(await latencies(samples, submit(gameId)));
    progress.increment();
  }
  progress.stop();
  const units = async (work: () => Promise<unknown>) => (await dynamodb.unitsOf(work)).write.toFixed(0);
  const overBare = (taken: number[][]) => median(taken.map((one, i) => median(one) / median(floor[i]!)));
  const row = async (name: string, taken: number[][], work: () => Promise<unknown>) =>
    table.push([
      name,
      ms(percentile(taken.flat(), 50)),
      ms(percentile(taken.flat(), 95)),
      ratio(overBare(taken)),
      await units(work),
    ]);
  await row('bare UpdateItem', floor, () => bare(dynamodb.db.client));
  for (const { operator, gameId, taken } of subjects) await row(`submission: ${operator}`, taken, submit(gameId));
  console.log(`\n${table.toString()}\n${rounds} rounds of ${samples}, one after another; in-process, without HTTP.\n`);
  return [
    {
      what: 'score submission of the slowest operator, p50 over the bare UpdateItem of the default client',
      atMost: 1,
      reached: Math.max(...subjects.map(({ taken }) => overBare(taken))),
    },
  ];
}

async function reads(dynamodb: TestDynamoDB, { rounds, samples, players }: LeaderboardsBenchSettings): Promise<void> {
  const filled = await fillBoard(dynamodb, players);
  const started = await startRedis();
  if (typeof started === 'string') console.log(`No comparison with Redis: ${started}`);
  const redis = typeof started === 'string' ? undefined : started.redis;
  try {
    if (redis) await fillRedis(redis, filled);
    const anyone = () => filled.playerId(Math.floor(Math.random() * players));
    const subjects: Record<string, { ours(): Promise<unknown>; theirs(): Promise<unknown> }> = {
      'rank and number of players': {
        ours: () => filled.rankings.player(filled.board, 1, anyone(), 0),
        theirs: async () => redis && Promise.all([redis.zRevRank('board', anyone()), redis.zCard('board')]),
      },
      'rank and ten around': {
        ours: () => filled.rankings.player(filled.board, 1, anyone(), 5),
        async theirs() {
          const rank = (await redis?.zRevRank('board', anyone())) ?? 0;
          await redis?.zRangeWithScores('board', Math.max(0, rank - 5), rank + 5, { REV: true });
        },
      },
      'top 100': {
        ours: () => filled.rankings.top(filled.board, 1, 100),
        theirs: async () => redis?.zRangeWithScores('board', 0, 99, { REV: true }),
      },
    };
    const table = new Table({
      head: ['', 'Longwatch p50', 'Redis p50', 'over Redis', 'reads, cold', 'read units, cold', 'read units'],
      style: { head: [], border: [] },
    });
    for (const [name, { ours, theirs }] of Object.entries(subjects)) {
      filled.forget();
      const cold = await dynamodb.unitsOf(ours);
      const calls = dynamodb.calls.length;
      await latencies(300, async () => void (await ours()));
      const warm: number[] = [];
      for (let i = 0; i < 50; i++) warm.push((await dynamodb.unitsOf(ours)).read);
      const a: number[][] = [];
      const b: number[][] = [];
      for (let round = 0; round < rounds; round++) {
        a.push(await latencies(samples, async () => void (await ours())));
        if (redis) b.push(await latencies(samples, async () => void (await theirs())));
      }
      const over = redis ? ratio(median(a.map((one, i) => median(one) / median(b[i]!)))) : '–';
      table.push([
        name,
        ms(percentile(a.flat(), 50)),
        redis ? ms(percentile(b.flat(), 50)) : '–',
        over,
        String(calls),
        cold.read.toFixed(1),
        (warm.reduce((sum, one) => sum + one, 0) / warm.length).toFixed(1),
      ]);
    }
    console.log(
      `\n${table.toString()}\n${players} players, ${filled.nodes} nodes. Cold: empty cache; otherwise as a ` +
        'process that has served some hundred reads of an idle board.\n',
    );
    await exact(filled, redis);
    await changes(dynamodb, filled);
  } finally {
    if (typeof started !== 'string') await started.stop();
  }
}

async function fillRedis(redis: Redis, { score, playerId, players }: FilledBoard): Promise<void> {
  for (let from = 0; from < players; from += 10_000)
    await redis.zAdd(
      'board',
      Array.from({ length: Math.min(10_000, players - from) }, (_, i) => ({
        score: score(from + i),
        value: playerId(from + i),
      })),
    );
}

/**
 * Prints the units of updating the ranks. The more changes are in a batch, the more nodes of the rank tree their paths
 * share.
 */
async function changes(dynamodb: TestDynamoDB, { change }: FilledBoard): Promise<void> {
  const table = new Table({
    head: ['changes at once', 'write units per change', 'read units per change', 'changes per second'],
    style: { head: [], border: [] },
  });
  for (const [size, batches] of [
    [1, 40],
    [10, 20],
    [100, 8],
    [1_000, 4],
  ] as const) {
    await change(size);
    const started = performance.now();
    const { read, write } = await dynamodb.unitsOf(async () => {
      for (let i = 0; i < batches; i++) await change(size);
    });
    const count = size * batches;
    table.push([
      String(size),
      (write / count).toFixed(1),
      (read / count).toFixed(1),
      (count / ((performance.now() - started) / 1000)).toFixed(0),
    ]);
  }
  console.log(
    `${table.toString()}\nRandom players get random scores. Includes head, nodes and the deletion of old nodes.\n`,
  );
}

/**
 * Compares the ranks with Redis. Redis orders equal scores by id, Longwatch by time. So unique scores must have the
 * same rank, and equal scores must occupy the same range of ranks.
 */
async function exact(
  { rankings, board, players, playerId, score }: FilledBoard,
  redis: Redis | undefined,
): Promise<void> {
  if (!redis) return;
  let compared = 0;
  for (let i = 0; i < 500; i++) {
    const n = Math.floor(Math.random() * players);
    const { player } = await rankings.player(board, 1, playerId(n), 0);
    const better = await redis.zCount('board', `(${score(n)}`, '+inf');
    const same = await redis.zCount('board', score(n), score(n));
    if (player.rank <= better || player.rank > better + same)
      throw new Error(`${playerId(n)} has rank ${player.rank}; ${better} are better and ${same} equal`);
    compared++;
  }
  console.log(`${compared} ranks compared with Redis: all agree.\n`);
}

/** Measures the time from a submission's answer until the rank counts it, on a whole stack in its own process. */
async function lag({ seconds }: LeaderboardsBenchSettings): Promise<void> {
  const stack = await startLongwatch({ TEMPORAL_UI_PORT: '0' });
  try {
    const send = async (path: string, body: object, method?: string) => {
      const response = await retried(() =>
        fetch(`${stack.url}${path}`, {
          method: method ?? 'POST',
          body: JSON.stringify(body),
          headers: { authorization: `Bearer ${stack.key}`, 'content-type': 'application/json' },
        }),
      );
      if (!response.ok) throw new Error(await response.text());
    };
    await send('/v1/boards/bench', { operator: 'increment' }, 'PUT');
    for (let ready = 0; ready !== 200; ready = (await stack.get('/readyz')).status)
      await new Promise((resolve) => setTimeout(resolve, 200));
    const url = new URL('/v1/boards/bench/scores', stack.url);
    let next = 0;
    const single = async () => {
      const n = next++;
      const { status, text } = await post(
        url,
        stack.key,
        JSON.stringify({ submissionId: `s${n}`, playerId: `p${n % 2_000}`, score: 1 }),
      );
      if (status !== 200) throw new Error(text);
    };
    await latencies(50, single);
    const lags: number[] = [];
    const load = { isOver: false };
    const probing = (async () => {
      while (!load.isOver) {
        const playerId = `probe${lags.length}`;
        await send('/v1/boards/bench/scores', { submissionId: 'once', playerId, score: 1 });
        const acknowledged = performance.now();
        while ((await stack.get(`/v1/boards/bench/players/${playerId}`)).status !== 200)
          await new Promise((resolve) => setTimeout(resolve, 10));
        lags.push(performance.now() - acknowledged);
      }
    })();
    const { perSecond: rate } = await throughput(seconds, 4, single);
    load.isOver = true;
    await probing;
    console.log(
      `Lag under load, over ${lags.length} probes at ${rate.toFixed(0)} submissions per second over HTTP: p50 ` +
        `${ms(median(lags))}, p95 ${ms(percentile(lags, 95))}, worst ${ms(Math.max(...lags))}.`,
    );
  } finally {
    closeConnections();
    await stack.stop();
    removeDataDir(stack.dataDir);
  }
}
