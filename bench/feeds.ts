import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchWriteItemCommand, DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Client, Connection } from '@temporalio/client';
import Table from 'cli-table3';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { readAddresses } from '../src/local/addresses';
import { startDynamoDB } from '../src/local/dynamodb';
import { type Db, dynamoDBClient, openDb } from '../src/stores/dynamodb';
import { createTables } from '../src/stores/tableCreation';
import { SIZES } from '../src/operations/feeds/fanOut';
import { timeKey } from '../src/domain/feeds/post';
import { rangesOf } from '../src/domain/feeds/ranges';
import { fanOutId } from '../src/domain/feeds/workflows';
import { seedFollowers, seedFollows, seedUsers } from '../test/support/feeds/seed';
import { feedWorld } from '../test/support/feeds/world';
import { billableActions } from '../test/support/histories';
import { eventually, removeDataDir, type RunningStack, startLongwatch } from '../test/support/stack';
import { bar } from './support/bar';
import { closeConnections, get, post } from './support/http';
import { latencies, median, ms, percentile, ratio } from './support/measure';
import type { Reached } from './support/targets';
import { everything } from '../src/graph/capabilities';

export interface FeedsBenchSettings {
  rounds: number;
  /** Numbers of followers of the measured authors. */
  followers: number[];
  /** Feed reads per round, of each kind. */
  samples: number;
}

const REGION = 'us-east-1';
/** The concurrency of a fan-out: its ranges, the concurrent calls in each range, and the rows of a call. */
const RANGES = 8;
const LANES = 8;
const BATCH = 25;
/** Followers of the author whose fan-out is compared with bare writes. */
const MEASURED = 10_000;
/** Number of authors that the reader follows, and of posts of each. */
const FOLLOWED = 50;
const POSTS = 20;
/** Number of authors above the threshold that the reader of a mixed feed follows. */
const PULLED = 10;

/**
 * Measures the activities of a fan-out in comparison with bare writes of the same rows at the same concurrency (the
 * baseline), both in this process; feeds through HTTP for each way of reading; and the time from a post through HTTP
 * until the last follower's feed has it. The measurements take turns, so that noise of the machine affects all alike.
 */
export async function benchFeeds({ rounds, followers, samples }: FeedsBenchSettings): Promise<Reached[]> {
  // In memory, because DynamoDB has no single disk that all rows share.
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-bench-'));
  const dynamodb = await startDynamoDB({ dataDir: folder, inMemory: true });
  const stack = await startLongwatch({
    TEMPORAL_UI_PORT: '0',
    DYNAMODB_ENDPOINT: dynamodb.endpoint,
    // Push the posts of every author, and do not limit the rate.
    LONGWATCH_FEED_THRESHOLD: '1000000000',
    LONGWATCH_FEED_BULK_ROWS_PER_SECOND: '10000000',
    LONGWATCH_FEED_RANGES: String(RANGES),
  });
  try {
    const { parts } = readAddresses(stack.dataDir)!;
    const endpoint = { endpoint: dynamodb.endpoint, credentials: LOCAL_CREDENTIALS, region: REGION };
    const lowLevel = dynamoDBClient(endpoint);
    const db = openDb(lowLevel, 'longwatch-', everything.tables);
    await createTables(lowLevel, 'floor-', everything.tables);
    const connection = await Connection.connect({ address: parts.Temporal! });
    const client = new Client({ connection });
    const sizes = [...new Set([MEASURED, ...followers])].sort((a, b) => a - b);
    const seeding = bar(
      'followers made',
      sizes.reduce((sum, size) => sum + size, 0),
    );
    for (const size of sizes) {
      await seedFollowers(db, `author-${size}`, size);
      seeding.increment(size);
    }
    seeding.stop();
    await seedReaders(db);

    const posting = new Posting(stack, client);
    const bare = new BareRows(endpoint);
    const measured: Record<Writing, number[]> = { activities: [], floor: [] };
    const activities = new Activities(db);
    const reads: Record<Reading, number[]> = { push: [], mixed: [], pull: [] };
    // Warm-up: compiles code, opens connections and fills caches.
    for (const size of sizes.slice(0, 1)) await posting.untilLast(size);
    await activities.deliver(MEASURED);
    await bare.write(MEASURED);
    const progress = bar('rounds', rounds);
    for (let round = 0; round < rounds; round++) {
      const turns: [Writing, () => Promise<number>][] = [
        ['activities', () => activities.deliver(MEASURED)],
        ['floor', () => bare.write(MEASURED)],
      ];
      for (const [writing, seconds] of round % 2 === 0 ? turns : turns.toReversed())
        measured[writing].push(MEASURED / (await seconds()));
      for (const [reading, into] of Object.entries(reads) as [Reading, number[]][])
        into.push(...(await latencies(samples, () => read(stack, reading))));
      progress.increment();
    }
    progress.stop();
    const reached = report({ measured, reads, rounds, samples });
    const table = new Table({
      head: ['followers', 'to the last one', 'rows per second', 'billable actions'],
      style: { head: [], border: [] },
    });
    for (const size of followers) {
      const { seconds, actions } = await posting.untilLast(size);
      table.push([size, `${seconds.toFixed(2)} s`, (size / seconds).toFixed(0), actions]);
    }
    console.log(`${table.toString()}\nFrom the request to the end of the fan-out.\n`);
    await connection.close();
    lowLevel.destroy();
    bare.close();
    return reached;
  } finally {
    closeConnections();
    await stack.stop();
    removeDataDir(stack.dataDir);
    await dynamodb.child.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Posts of authors with a given number of followers, through HTTP. */
class Posting {
  private next = 0;

  constructor(
    private readonly stack: RunningStack,
    private readonly client: Client,
  ) {}

  /** Posts and waits for the end of the fan-out. @returns the duration, and the billable actions. */
  async untilLast(followers: number): Promise<{ seconds: number; actions: number }> {
    const postId = `timed-${this.next++}`;
    const started = performance.now();
    const { status, text } = await post(
      new URL('/v1/posts', this.stack.url),
      this.stack.key,
      JSON.stringify({ authorId: `author-${followers}`, postId, text: 'timed' }),
    );
    if (status !== 201) throw new Error(`${status}: ${text}`);
    const handle = this.client.workflow.getHandle(fanOutId(postId));
    await eventually(
      () =>
        handle.describe().then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    await handle.result();
    return { seconds: (performance.now() - started) / 1000, actions: billableActions(await handle.fetchHistory()) };
  }
}

/** The baseline: writes rows of the same size to a table of the same form with BatchWriteItem only. */
class BareRows {
  private readonly client: DynamoDBClient;
  private next = 0;

  constructor(endpoint: { endpoint: string; region: string; credentials: typeof LOCAL_CREDENTIALS }) {
    this.client = new DynamoDBClient({
      ...endpoint,
      requestHandler: new NodeHttpHandler({ httpAgent: { maxSockets: 256 } }),
    });
  }

  /** @returns seconds. */
  async write(rows: number): Promise<number> {
    const key = `2026-01-01T00:00:00.000Z#bare-${this.next++}`;
    const batches = Array.from({ length: Math.ceil(rows / BATCH) }, (_, b) =>
      Array.from({ length: Math.min(BATCH, rows - b * BATCH) }, (__, i): WriteRequest => ({
        PutRequest: {
          Item: {
            UserID: { S: `author-${rows}-f${b * BATCH + i}` },
            TimePostID: { S: key },
            AuthorID: { S: `author-${rows}` },
            Epoch: { N: '1' },
          },
        },
      })),
    ).values();
    const started = performance.now();
    const lane = async () => {
      // All lanes take batches from one list.
      for (const batch of batches)
        await this.client.send(new BatchWriteItemCommand({ RequestItems: { 'floor-Feed': batch } }));
    };
    await Promise.all(Array.from({ length: RANGES * LANES }, lane));
    return (performance.now() - started) / 1000;
  }

  close(): void {
    this.client.destroy();
  }
}

/** The activities of a fan-out in this process: the work of a worker without Temporal and HTTP. */
class Activities {
  private readonly world;
  private next = 0;

  constructor(db: Db) {
    this.world = feedWorld(db, {
      settings: { threshold: 1_000_000_000, cap: 800, backfill: 100, bulkAbove: 1_000, ranges: RANGES, trimEvery: 400 },
      sizes: SIZES,
    });
  }

  /** @returns seconds. */
  async deliver(followers: number): Promise<number> {
    const authorId = `author-${followers}`;
    const { post: made } = await this.world.posting.create({
      authorId,
      postId: `direct-${this.next++}`,
      text: 'timed',
      media: [],
    });
    const ref = { key: timeKey(made.at, made.postId), authorId };
    const started = performance.now();
    await Promise.all(rangesOf(RANGES).map((range) => this.world.fanOut.deliver(ref, { range })));
    return (performance.now() - started) / 1000;
  }
}

/** Ways of writing rows: the activities of a fan-out, or the bare calls (baseline). */
type Writing = 'activities' | 'floor';
type Reading = 'push' | 'mixed' | 'pull';

const QUERY: Readonly<Record<Reading, string>> = {
  push: 'reader-push/feed',
  mixed: 'reader-mixed/feed',
  pull: 'reader-push/feed?mode=pull',
};

async function read({ url, key }: RunningStack, reading: Reading): Promise<void> {
  const { status, text } = await get(new URL(`/v1/users/${QUERY[reading]}`, url), key);
  if (status !== 200 || (JSON.parse(text) as { items: unknown[] }).items.length !== 20)
    throw new Error(`${status}: ${text}`);
}

/**
 * Creates two readers of the same authors. The posts of all authors are pushed to the first one. For the second one,
 * some authors are above the threshold.
 */
async function seedReaders(db: Db): Promise<void> {
  const authors = Array.from({ length: FOLLOWED }, (_, i) => `followed-${i}`);
  await seedUsers(db, [
    { userId: 'reader-push', following: FOLLOWED },
    { userId: 'reader-mixed', following: FOLLOWED },
    ...authors.map((userId) => ({ userId })),
  ]);
  await seedFollows(
    db,
    authors.flatMap((authorId, i) => [
      { readerId: 'reader-push', authorId },
      { readerId: 'reader-mixed', authorId, pulled: i < PULLED },
    ]),
  );
  let tick = Date.now() - FOLLOWED * POSTS * 1_000;
  const world = feedWorld(db, { now: () => (tick += 1_000) });
  const rows = [];
  for (let i = 0; i < FOLLOWED * POSTS; i++) {
    const authorId = authors[i % FOLLOWED]!;
    const { post: made } = await world.posting.create({
      authorId,
      postId: `seeded-${i}`,
      text: 'x'.repeat(280),
      media: [],
    });
    const ref = { key: `${new Date(made.at).toISOString()}#${made.postId}`, authorId, epoch: 1 };
    rows.push(
      { ...ref, readerId: 'reader-push' },
      ...(i % FOLLOWED < PULLED ? [] : [{ ...ref, readerId: 'reader-mixed' }]),
    );
  }
  await world.rows.put(rows);
}

interface Measured extends Pick<FeedsBenchSettings, 'rounds' | 'samples'> {
  /** Rows per second, by round. */
  measured: Record<Writing, number[]>;
  reads: Record<Reading, number[]>;
}

function report({ measured: { activities, floor }, reads, rounds, samples }: Measured): Reached[] {
  const rows = new Table({
    head: ['', `rows per second, ${RANGES * LANES} concurrent calls`],
    style: { head: [], border: [] },
  });
  rows.push(
    ['the activities of a fan-out', median(activities).toFixed(0)],
    ['baseline: bare BatchWriteItem', median(floor).toFixed(0)],
  );
  console.log(`\n${rows.toString()}\n${rounds} rounds of ${MEASURED} rows each, in turn.\n`);
  const overFloor = median(activities.map((value, i) => value / floor[i]!));
  console.log(`Rows per second, ratio to the baseline: ${ratio(overFloor)}, the median of the ratios of the rounds.\n`);
  const names = {
    push: `push: ${FOLLOWED} authors, all by fan-out on write`,
    mixed: `mixed: ${PULLED} of ${FOLLOWED} read at read time`,
    pull: `pull: all ${FOLLOWED} read at read time`,
  };
  const table = new Table({ head: ['a page of 20', 'p50', 'p95', 'over push'], style: { head: [], border: [] } });
  for (const reading of ['push', 'mixed', 'pull'] as const)
    table.push([
      names[reading],
      ms(percentile(reads[reading], 50)),
      ms(percentile(reads[reading], 95)),
      ratio(median(reads[reading]) / median(reads.push)),
    ]);
  console.log(`${table.toString()}\n${rounds} rounds of ${samples} readings of each, in turn.\n`);
  return [{ what: 'fan-out: rows per second, over bare BatchWriteItem', atLeast: 0.95, reached: overFloor }];
}
