import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seasonId } from '../../src/domain/leaderboards/workflows';
import { boardApi } from '../support/boards';
import { startTestGraph, type TestGraph } from '../support/graph';
import { keepWorker, type KeptWorker } from '../support/keptWorker';
import { eventually } from '../support/stack';
import { resultOf, startTestTemporal, type TestTemporal } from '../support/temporal';

let temporal: TestTemporal;
let graph: TestGraph;
let worker: KeptWorker | undefined;
/** What the webhook's receiver was sent; it kills the worker before it answers the first one. */
const received: string[] = [];
let receiver: Server;

beforeAll(async () => {
  receiver = createServer((incoming, answer) => {
    received.push(String(incoming.headers['longwatch-notification-id']));
    incoming.resume().on('end', () => {
      if (received.length === 3) worker!.kill();
      else answer.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  temporal = await startTestTemporal();
  const settings = {
    LONGWATCH_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    LONGWATCH_SEASON_FENCE_MS: '4000',
  };
  graph = await startTestGraph(settings, temporal.address);
  worker = await keepWorker(graph.environment);
}, 900_000);
afterAll(async () => {
  worker?.stop();
  await graph?.stop();
  await temporal?.stop();
  receiver?.closeAllConnections();
  receiver?.close();
});

it(
  'kill -9 of the worker while scores are ranked and a season ends, and while rewards go out: standings are the ' +
    'scores that were acknowledged',
  async () => {
    const api = boardApi(graph);
    const endsAt = Math.floor(Date.now() / 1_000) * 1_000 + 20_000;
    const rewards = [{ reward: 'chest', fromRank: 1, toRank: 5 }];
    await api
      .put('', {
        operator: 'increment',
        shards: 2,
        rewards,
        seasons: { endsAt: new Date(endsAt).toISOString(), recurrence: '0 0 1 1 *' },
      })
      .expect(201);
    /** By season, what was acknowledged. */
    const acknowledged: Record<number, Map<string, number>> = { 1: new Map(), 2: new Map() };
    const lane = async (first: number) => {
      for (let i = first; Date.now() < endsAt + 1_500; i += 4) {
        const playerId = `p${i % 40}`;
        const { status, body } = await api.score(playerId, (i % 9) + 1);
        expect(status).toBe(200);
        const [{ season, score }] = body.results;
        acknowledged[season]!.set(playerId, Math.max(score, acknowledged[season]!.get(playerId) ?? 0));
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    };
    const playing = Promise.all([0, 1, 2, 3].map(lane));
    await eventually(
      () => api.get('/top'),
      ({ body }) => body.players > 0,
    );
    await new Promise((resolve) => setTimeout(resolve, endsAt - 1_000 - Date.now()));
    worker!.kill();
    await playing;
    await resultOf(graph.temporal.client, seasonId(api.gameId, 1));
    // By us, and by the receiver of the third message.
    expect(worker!.deaths()).toBe(2);
    for (const season of [1, 2]) expect(acknowledged[season]!.size).toBeGreaterThan(0);

    const { body } = await api.get('/seasons/1/standings?limit=200').expect(200);
    const entries: { playerId: string; score: number }[] = body.entries;
    expect(new Map(entries.map(({ playerId, score }) => [playerId, score]))).toEqual(acknowledged[1]);
    expect(entries.map(({ score }) => score)).toEqual(entries.map(({ score }) => score).sort((a, b) => b - a));
    const granted = (await api.get('/seasons/1/rewards')).body.items;
    expect(granted.map(({ rank, playerId }: { rank: number; playerId: string }) => [rank, playerId]).sort()).toEqual(
      entries
        .slice(0, 5)
        .map(({ playerId }, i) => [i + 1, playerId])
        .sort(),
    );
    // Copies carry the same id; only what was unanswered when the worker died is sent again.
    expect(new Set(received).size).toBe(5);
    const second = await eventually(
      () => api.get('/top?limit=200'),
      ({ body: found }) => found.players === acknowledged[2]!.size && found.season === 2,
    );
    await eventually(
      () => api.get('/top?limit=200'),
      ({ body: found }) =>
        found.entries.every(
          ({ playerId, score }: { playerId: string; score: number }) => acknowledged[2]!.get(playerId) === score,
        ),
    );
    expect(second.body.players).toBe(acknowledged[2]!.size);
  },
);
