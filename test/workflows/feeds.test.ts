import { DefaultLogger, Runtime } from '@temporalio/worker';
import request from 'supertest';
import { feedsActivities } from '../../src/activities/feeds';
import { timeKey } from '../../src/domain/feeds/post';
import {
  FAN_OUT_TYPE,
  type FanOutInput,
  fanOutId,
  FEEDS_BULK_QUEUE,
  FEEDS_QUEUE,
  relationId,
  retractId,
  modeChangeId,
} from '../../src/domain/feeds/workflows';
import { seedAuthor } from '../support/feeds/seed';
import { feedWorld, wholeFeed, type World } from '../support/feeds/world';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { billableActions, record } from '../support/histories';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';
import { startTestWorkers } from '../support/workers';

const THRESHOLD = 60;
const BULK_ABOVE = 20;
const RANGES = 4;
/** Followers after which an attempt ends, in small steps. */
const SLICE = 40;

let temporal: TestTemporal;
let graph: TestGraph;
/** The feeds without Temporal, to look at. */
let world: World;
jest.setTimeout(180_000);
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  temporal = await startTestTemporal();
  graph = await startTestGraph(
    {
      LONGWATCH_CAPABILITIES: 'feeds',
      LONGWATCH_FEED_THRESHOLD: String(THRESHOLD),
      LONGWATCH_FEED_BULK_ABOVE: String(BULK_ABOVE),
      LONGWATCH_FEED_RANGES: String(RANGES),
      LONGWATCH_FEED_BACKFILL: '5',
      // A large fan-out takes minutes.
      LONGWATCH_FEED_BULK_ROWS_PER_SECOND: '1',
    },
    temporal.address,
    { attemptMs: 1_000 },
  );
  // The relay starts what a slow machine did not start in time.
  await graph.startStandingWorkflows();
  const settings = {
    threshold: THRESHOLD,
    cap: 800,
    backfill: 5,
    bulkAbove: BULK_ABOVE,
    ranges: RANGES,
    trimEvery: 50,
  };
  world = feedWorld(graph.dynamodb.db, { settings, sizes: { page: 10, slice: SLICE } });
}, 900_000);
afterAll(async () => {
  await graph?.stop();
  await temporal?.stop();
});

const asService = (method: 'get' | 'put' | 'post' | 'patch' | 'delete', path: string, body?: object) =>
  request(graph.app)
    [method](path)
    .set(...bearer('service'))
    .send(body);
const post = async (authorId: string, postId: string) => {
  const { body, status } = await asService('post', '/v1/posts', { authorId, postId, text: `about ${postId}` });
  expect(status).toBe(201);
  return body as { postId: string; postedAt: string };
};
const handleOf = (workflowId: string, runId?: string) => graph.temporal.client.workflow.getHandle(workflowId, runId);
const feedOf = async (userId: string): Promise<string[]> =>
  (await asService('get', `/v1/users/${userId}/feed`)).body.items.map(({ postId }: { postId: string }) => postId);
/** Its result, once it is there at all: requests do not wait for the start. */
const resultOf = async (workflowId: string): Promise<unknown> => {
  await eventually(
    () =>
      handleOf(workflowId)
        .describe()
        .then(
          () => true,
          () => false,
        ),
    Boolean,
  );
  return handleOf(workflowId).result();
};

describe.each([
  ['with a cache of workflows', undefined],
  ['without one, so that every task replays the history', 0],
])('%s', (_, maxCachedWorkflows) => {
  let workers: Awaited<ReturnType<typeof startTestWorkers>>;
  const suffix = maxCachedWorkflows === 0 ? '-uncached' : '';
  const name = (what: string) => `${what}${suffix}`;
  beforeAll(async () => {
    // Small pages and slices, and no rateLimiter.
    const small = feedsActivities(world);
    const activities = { ...graph.activities, [FEEDS_QUEUE]: small, [FEEDS_BULK_QUEUE]: small };
    workers = await startTestWorkers({ activities }, temporal.address, {
      ...(maxCachedWorkflows !== undefined && { maxCachedWorkflows }),
    });
  });
  afterAll(() => workers?.stop());

  it('a post without followers costs no action; with some, a start and an activity', async () => {
    await seedAuthor(world.db, name('lonely'), 0);
    await post(name('lonely'), name('unheard'));
    const readers = await seedAuthor(world.db, name('ada'), BULK_ABOVE);
    await post(name('ada'), name('heard'));
    await resultOf(fanOutId(name('heard')));
    for (const reader of readers) expect(await feedOf(reader)).toEqual([name('heard')]);
    expect(billableActions(await record('fanOut', name('small'), handleOf(fanOutId(name('heard')))))).toBe(2);
    await expect(handleOf(fanOutId(name('unheard'))).describe()).rejects.toThrow(/not found/i);
  });

  it('follow fills the feed, unfollow and block empty it, each a start and an activity; delete retracts', async () => {
    const [bea, cem] = [name('bea'), name('cem')];
    for (const id of [bea, cem]) await asService('put', `/v1/users/${id}`, { name: id });
    for (let i = 0; i < 7; i++) await post(bea, name(`bea-${i}`));
    await asService('put', `/v1/users/${cem}/following/${bea}`).expect(200);
    expect(await resultOf(relationId({ readerId: cem, authorId: bea, epoch: 1 }))).toBe('filled');
    expect(await world.rows.all(cem)).toHaveLength(5);
    // What was not written is read.
    expect(await feedOf(cem)).toHaveLength(7);
    await asService('delete', `/v1/posts/${name('bea-6')}`).expect(204);
    await resultOf(retractId(name('bea-6')));
    expect(await world.rows.all(cem)).toHaveLength(4);
    await asService('delete', `/v1/users/${cem}/following/${bea}`).expect(204);
    expect(await feedOf(cem)).toEqual([]);
    expect(await resultOf(relationId({ readerId: cem, authorId: bea, epoch: 2 }))).toBe('cleaned');
    await asService('put', `/v1/users/${cem}/following/${bea}`).expect(200);
    await asService('put', `/v1/users/${bea}/blocks/${cem}`).expect(204);
    expect(await feedOf(cem)).toEqual([]);
    await resultOf(relationId({ readerId: cem, authorId: bea, epoch: 4 }));
    expect(await world.rows.all(cem)).toEqual([]);
    expect(
      billableActions(
        await record('relation', name('follows'), handleOf(relationId({ readerId: cem, authorId: bea, epoch: 1 }))),
      ),
    ).toBe(2);
    expect(
      billableActions(
        await record('relation', name('leaves'), handleOf(relationId({ readerId: cem, authorId: bea, epoch: 2 }))),
      ),
    ).toBe(2);
    expect(billableActions(await record('retract', name('small'), handleOf(retractId(name('bea-6')))))).toBe(2);
  });

  it('many followers are served by ranges and slices, over several runs, with progress in the details', async () => {
    const author = name('dan');
    const readers = await seedAuthor(world.db, author, 2 * SLICE + 20);
    const at = Date.parse((await post(name('lonely'), name('by-another'))).postedAt);
    // As if it were Dan's: the workflow is started by hand, to choose how it goes.
    const input: FanOutInput = {
      post: { key: timeKey(at, name('by-another')), authorId: author },
      plan: { ranges: 2, bulk: false, slicesARun: 2 },
      followers: readers.length,
    };
    const workflowId = fanOutId(name('by-hand'));
    const first = await graph.temporal.client.workflow.start(FAN_OUT_TYPE, {
      workflowId,
      taskQueue: FEEDS_QUEUE,
      args: [input],
    });
    await first.result();
    const history = await record(
      'fanOut',
      name('before-continue-as-new'),
      handleOf(workflowId, first.firstExecutionRunId),
    );
    expect(history.events!.at(-1)!.workflowExecutionContinuedAsNewEventAttributes).toBeTruthy();
    await record('fanOut', name('continued-as-new'), handleOf(workflowId));
    expect(JSON.stringify(await handleOf(workflowId).query('__temporal_workflow_metadata'))).toContain(
      `In **${readers.length}** of about ${readers.length} feeds; 0 of 2 ranges`,
    );
    for (const reader of readers) expect(await world.rows.all(reader)).toHaveLength(1);
  });

  it('an author who crosses the threshold, up and down, loses and doubles no post', async () => {
    const author = name('eve');
    const readers = await seedAuthor(world.db, author, THRESHOLD);
    await asService('put', `/v1/users/${name('fay')}`, { name: 'Fay' });
    const sees = async (posts: string[]) => {
      for (const reader of [readers[0]!, readers.at(-2)!, name('fay')])
        for (const mode of ['push', 'pull'] as const)
          expect(await wholeFeed(world, reader, 2, mode)).toEqual({ down: posts, up: posts });
    };
    await asService('put', `/v1/users/${name('fay')}/following/${author}`).expect(200);
    await resultOf(modeChangeId({ authorId: author, modeVersion: 1, direction: 'rising' }));
    expect((await asService('get', `/v1/users/${author}`)).body).toMatchObject({
      followers: THRESHOLD + 1,
      spread: 'pull',
    });
    await post(author, name('eve-1'));
    await sees([name('eve-1')]);
    await expect(handleOf(fanOutId(name('eve-1'))).describe()).rejects.toThrow(/not found/i);
    for (const reader of readers.slice(1, 15))
      await asService('delete', `/v1/users/${reader}/following/${author}`).expect(204);
    await resultOf(modeChangeId({ authorId: author, modeVersion: 2, direction: 'falling' }));
    expect((await asService('get', `/v1/users/${author}`)).body).toMatchObject({ spread: 'push' });
    expect(await world.relations.readTimeAuthors(readers[0]!)).toEqual([]);
    await sees([name('eve-1')]);
    // Start, four ranges, the end.
    expect(
      billableActions(
        await record(
          'turn',
          name('rising'),
          handleOf(modeChangeId({ authorId: author, modeVersion: 1, direction: 'rising' })),
        ),
      ),
    ).toBe(6);
    expect(
      billableActions(
        await record(
          'turn',
          name('falling'),
          handleOf(modeChangeId({ authorId: author, modeVersion: 2, direction: 'falling' })),
        ),
      ),
    ).toBe(2 + 3);
  });
});

it('a large fan-out costs an action a range, and holds up nobody else’s however slow it is', async () => {
  const workers = await startTestWorkers(graph, temporal.address);
  try {
    const [star, fan] = ['star', 'fan-of-another'];
    // As many as may be without being read at read time.
    const readers = await seedAuthor(world.db, star, THRESHOLD);
    await seedAuthor(world.db, fan, 3);
    await post(star, 'star-1');
    const delivered = async () =>
      (await graph.metrics.registry.getSingleMetric('longwatch_feed_rows_total')!.get()).values.find(
        ({ labels }) => labels['kind'] === 'delivered',
      )?.value ?? 0;
    await eventually(delivered, (count) => count > 0);
    // It is under way, and at a row a second it has minutes to go.
    for (let i = 0; i < 3; i++) {
      await post(fan, `fan-${i}`);
      await resultOf(fanOutId(`fan-${i}`));
    }
    expect(await feedOf('fan-of-another-f0')).toEqual(['fan-2', 'fan-1', 'fan-0']);
    const written = (await Promise.all(readers.map((reader) => world.rows.all(reader)))).filter(
      ({ length }) => length > 0,
    ).length;
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(readers.length);
    const history = await handleOf(fanOutId('star-1')).fetchHistory();
    expect(billableActions(history)).toBe(1 + THRESHOLD / BULK_ABOVE);
    const queues = history.events!.flatMap(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.taskQueue?.name ?? [],
    );
    expect(queues).toEqual(Array(THRESHOLD / BULK_ABOVE).fill(FEEDS_BULK_QUEUE));
    await handleOf(fanOutId('star-1')).terminate();
  } finally {
    await workers.stop();
  }
});
