import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { boardSeason, shardOf } from '../../src/domain/leaderboards/rankShards';
import { LEADERBOARD_STREAM, LEADERBOARDS_QUEUE, rankCheckId, seasonId } from '../../src/domain/leaderboards/workflows';
import request from 'supertest';
import { workflowBundle } from '../support/bundle';
import { boardApi } from '../support/boards';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { billableActions, record } from '../support/histories';
import { UNTIL_STOPPED_MS } from '../support/shards';
import { eventually } from '../support/stack';
import { startTimeSkipping } from '../support/timeSkippingServer';

const HOUR = 3_600_000;
let bundle: { codePath: string };
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
});

/** Every activity has its effect, and the worker dies before Temporal hears of it. */
function twice(activities: object): object {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      async (...args: unknown[]) => {
        const result: unknown = await (run as (...given: unknown[]) => Promise<unknown>)(...args);
        if (Context.current().info.attempt === 1) throw new Error('died before it could say so');
        return result;
      },
    ]),
  );
}

describe.each([
  ['with a cache of workflows', 100],
  ['without one, so that every task replays the history, and with every activity run twice', 0],
])('%s', (_, maxCachedWorkflows) => {
  let environment: TestWorkflowEnvironment;
  let graph: TestGraph;
  let worker: Worker;
  let running: Promise<void>;
  /** Reads the table's stream, as the workflow of its shard does. */
  const stop = new AbortController();
  let reading: Promise<unknown>;
  beforeAll(async () => {
    environment = await startTimeSkipping();
    graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'leaderboards' }, environment.address);
    worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue: LEADERBOARDS_QUEUE,
      workflowBundle: bundle,
      activities:
        maxCachedWorkflows === 0 ? twice(graph.activities[LEADERBOARDS_QUEUE]!) : graph.activities[LEADERBOARDS_QUEUE]!,
      maxCachedWorkflows,
    });
    running = worker.run();
    const consumer = graph.consumers[LEADERBOARD_STREAM]!;
    const [shard] = await consumer.openShards();
    reading = consumer.consume(shard!.shardId, {
      signal: stop.signal,
      forMs: UNTIL_STOPPED_MS,
      heartbeat: () => undefined,
    });
  });
  afterAll(async () => {
    stop.abort();
    await reading;
    worker?.shutdown();
    await running;
    await graph?.stop();
    await environment?.teardown();
  });

  const suffix = maxCachedWorkflows === 0 ? '-uncached' : '';
  // Not the environment's client: awaiting a result with that one skips time, for decades when all is done.
  const handle = (id: string) => graph.temporal.client.workflow.getHandle(id);
  /** Waits until a workflow has taken so many signals. */
  const signalled = (id: string, count: number) =>
    eventually(
      async () => (await handle(id).fetchHistory()).events ?? [],
      (events) => events.filter((event) => event.workflowExecutionSignaledEventAttributes).length >= count,
    );
  /** Its clock is ahead of ours by all that was skipped. */
  const inHours = async (hours: number) =>
    new Date(Math.floor(((await environment.currentTimeMs()) + hours * HOUR) / 1000) * 1000).toISOString();
  const started = (id: string) =>
    eventually(
      () =>
        handle(id)
          .describe()
          .then(
            () => true,
            () => false,
          ),
      Boolean,
    );
  const statusOf = async (api: ReturnType<typeof boardApi>, n: number) =>
    (await api.get('/seasons')).body.items.find(({ number }: { number: number }) => number === n)?.status;

  it('a season closes after its grace: final standings, rewards granted once, the next season is there', async () => {
    const api = boardApi(graph);
    const rewards = [
      { reward: 'gold', fromRank: 1, toRank: 1 },
      { reward: 'medal', topPercent: 50 },
    ];
    await api
      .put('', {
        operator: 'best',
        shards: 2,
        rewards,
        seasons: { endsAt: await inHours(30), recurrence: '0 0 1 1 *', timeZone: 'Europe/Berlin', graceSeconds: 60 },
      })
      .expect(201);
    for (const [i, playerId] of ['ada', 'ben', 'eva', 'kim'].entries())
      await api.score(playerId, 10 - i, { name: playerId.toUpperCase() }).expect(200);
    await api.put('/bans/ben', { reason: 'cheating' }).expect(204);
    await started(seasonId(api.gameId, 1));
    expect((await handle(seasonId(api.gameId, 1)).describe()).status.name).toBe('RUNNING');
    await environment.sleep('31 hours');
    expect(await handle(seasonId(api.gameId, 1)).result()).toEqual({
      players: 3,
      rewarded: 2,
      closedAt: expect.any(String),
    });
    const { body } = await api.get('/seasons/1/standings?limit=2').expect(200);
    expect(body).toMatchObject({
      players: 3,
      entries: [
        { rank: 1, playerId: 'ada', score: 10, name: 'ADA' },
        { rank: 2, playerId: 'eva' },
      ],
    });
    expect((await api.get(`/seasons/1/standings?limit=2&cursor=${body.cursor}`)).body).toEqual({
      season: 1,
      players: 3,
      entries: [expect.objectContaining({ rank: 3, playerId: 'kim' })],
    });
    expect((await api.get('/seasons/1/rewards')).body.items).toMatchObject([
      { playerId: 'ada', rank: 1, rewards: ['gold', 'medal'] },
      { playerId: 'eva', rank: 2, rewards: ['medal'] },
    ]);
    expect(await statusOf(api, 1)).toBe('final');
    // One message a winner, whatever ran twice.
    const messages = await request(graph.app)
      .get('/v1/notifications?recipient=ada')
      .set(...bearer('eva'));
    expect(messages.body.items.filter(({ id }: { id: string }) => id.includes(api.gameId))).toMatchObject([
      { id: `reward.${api.gameId}.1.ada`, text: 'You have won: gold, medal.', status: 'delivered' },
    ]);
    const history = await record('season', `closed${suffix}`, handle(seasonId(api.gameId, 1)));
    // Start; bans, end, a timer, closing; planning, ranks, two checks, standings, rewards, finishing, archive; statuses
    // closing and final.
    expect(billableActions(history)).toBe(15);
    // The next one, planned with this one: the ban is carried over.
    await started(seasonId(api.gameId, 2));
    expect(await statusOf(api, 2)).toBe('open');
    const marked = async () => {
      const key = {
        BoardSeason: boardSeason({ gameId: api.gameId, season: 2, shard: shardOf('ben', 2), order: 'descending' }),
        PlayerID: 'ben',
      };
      return (
        await graph.dynamodb.db.client.send(
          new GetCommand({ TableName: graph.dynamodb.db.table('Leaderboard'), Key: key }),
        )
      ).Item;
    };
    expect(await eventually(marked, Boolean)).toMatchObject({ Banned: true });
  });

  it('an end that is moved while the season runs is the one that counts', async () => {
    const api = boardApi(graph);
    await api.put('', { operator: 'best', seasons: { endsAt: await inHours(30) } }).expect(201);
    await started(seasonId(api.gameId, 1));
    await api.put('/seasons/1', { endsAt: await inHours(60) }).expect(200);
    await signalled(seasonId(api.gameId, 1), 1);
    await environment.sleep('40 hours');
    expect(await statusOf(api, 1)).toBe('open');
    await api.put('/seasons/1', { endsAt: await inHours(1) }).expect(200);
    await signalled(seasonId(api.gameId, 1), 2);
    await environment.sleep('2 hours');
    expect(await handle(seasonId(api.gameId, 1)).result()).toMatchObject({ players: 0, rewarded: 0 });
    await record('season', `moved${suffix}`, handle(seasonId(api.gameId, 1)));
    expect((await api.put('/seasons/1', { endsAt: await inHours(9) })).body.detail).toBe('Season 1 is already final');
  });

  it('a start of the last release’s workflow for that signal sends it, and ends where no season runs', async () => {
    const api = boardApi(graph);
    await api.put('', { operator: 'best', seasons: { endsAt: await inHours(30) } }).expect(201);
    await started(seasonId(api.gameId, 1));
    for (const [gameId, name] of [
      [api.gameId, 'told'],
      ['nobody-knows', 'untold'],
    ] as const) {
      const moved = await graph.temporal.client.workflow.start('seasonMoved', {
        workflowId: `season-moved/${gameId}/1/${maxCachedWorkflows}`,
        taskQueue: LEADERBOARDS_QUEUE,
        args: [{ gameId, season: 1 }],
      });
      expect(await moved.result()).toBeUndefined();
      await record('seasonMoved', `${name}${suffix}`, moved);
    }
    await signalled(seasonId(api.gameId, 1), 1);
  });

  it('people have a board’s ranks checked, and built anew', async () => {
    const api = boardApi(graph);
    await api.put('', { operator: 'best', shards: 2 }).expect(201);
    for (let i = 0; i < 20; i++) await api.score(`p${i}`, i);
    for (const mode of ['audit', 'rebuild'] as const) {
      const { body } = await api.post(`/ranks/${mode}`, {}, 'eva').expect(202);
      expect(body.workflowId).toBe(rankCheckId(mode, api.gameId));
      expect(await handle(body.workflowId).result()).toEqual({
        shards: 2,
        players: 20,
        differences: 0,
        replaced: mode === 'rebuild' ? 2 : 0,
      });
      await record('rankCheck', `${mode}${suffix}`, handle(body.workflowId));
    }
    expect((await api.get('/top?limit=1')).body).toMatchObject({ players: 20, entries: [{ playerId: 'p19' }] });
  });
});
