import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import request from 'supertest';
import { inLanes } from '../../src/domain/lanes';
import { fanOutId, relationId } from '../../src/domain/feeds/workflows';
import { endApi, startApi } from '../support/api';
import { seedAuthor } from '../support/feeds/seed';
import { feedWorld, type World } from '../support/feeds/world';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { keepWorker, type KeptWorker } from '../support/keptWorker';
import { startSilentServer } from '../support/silentServer';
import { eventually } from '../support/stack';
import { resultOf, runsOf, startTestTemporal, type TestTemporal } from '../support/temporal';

const folder = mkdtempSync(join(tmpdir(), 'longwatch-feed-faults-'));
let temporal: TestTemporal;
let graph: TestGraph;
let world: World;
let environment: Record<string, string>;
let worker: KeptWorker | undefined;

beforeAll(async () => {
  temporal = await startTestTemporal();
  // A large fan-out of four ranges takes a quarter of a minute.
  graph = await startTestGraph(
    {
      LONGWATCH_CAPABILITIES: 'feeds',
      LONGWATCH_FEED_BULK_ABOVE: '100',
      LONGWATCH_FEED_RANGES: '4',
      LONGWATCH_FEED_BULK_ROWS_PER_SECOND: '30',
    },
    temporal.address,
  );
  environment = { ...process.env, LONGWATCH_LOG_LEVEL: 'error', ...graph.environment } as Record<string, string>;
  world = feedWorld(graph.dynamodb.db);
  worker = await keepWorker(environment, ['test/support/killedWorker.ts', folder]);
}, 900_000);
afterAll(async () => {
  worker?.stop();
  await graph?.stop();
  await temporal?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it(
  'kill -9 of the API between a post, or a follow, and its start: the relay starts it, once; the retry is the same ' +
    'post',
  async () => {
    const silence = await startSilentServer();
    const first = await startApi({ ...environment, TEMPORAL_ADDRESS: silence.address });
    const call = (to: string, method: 'put' | 'post', path: string, body?: object) =>
      request(to)
        [method](path)
        .set(...bearer('service'))
        .send(body);
    const readers = await seedAuthor(world.db, 'killed', 3);
    await call(first.url, 'put', '/v1/users/late', { name: 'Late' }).expect(201);
    await call(first.url, 'put', '/v1/users/late/following/killed').expect(200);
    const body = { authorId: 'killed', postId: 'killed-1', text: 'before the end' };
    const posted = await call(first.url, 'post', '/v1/posts', body).expect(201);
    await endApi(first);
    silence.close();
    for (const reader of [...readers, 'late'])
      await eventually(
        () => world.rows.all(reader),
        ({ length }) => length === 1,
      );
    const again = await request(graph.app)
      .post('/v1/posts')
      .set(...bearer('service'))
      .send(body)
      .expect(200);
    expect(again.body).toEqual(posted.body);
    for (const id of [fanOutId('killed-1'), relationId({ readerId: 'late', authorId: 'killed', epoch: 1 })])
      expect(
        await eventually(
          () => runsOf(graph.temporal.client, id),
          (runs) => runs > 0,
        ),
      ).toBe(1);
  },
);

it('kill -9 of the worker within a large fan-out: another goes on, and the post is in every feed once', async () => {
  const readers = await seedAuthor(world.db, 'large', 600);
  await request(graph.app)
    .post('/v1/posts')
    .set(...bearer('service'))
    .send({ authorId: 'large', postId: 'large-1', text: 'to many' })
    .expect(201);
  const written = () => inLanes(readers, 8, async (reader) => (await world.rows.all(reader)).length);
  // One call, so that a busy machine still sees it before the fan-out ends.
  const hasRows = async () => {
    const { Items } = await world.db.client.send(new ScanCommand({ TableName: world.db.table('Feed') }));
    return Items!.some(({ TimePostID }) => String(TimePostID).endsWith('large-1'));
  };
  await eventually(hasRows, Boolean);
  worker!.kill();
  const { status } = await graph.temporal.client.workflow.getHandle(fanOutId('large-1')).describe();
  expect(status.name).toBe('RUNNING');
  await resultOf(graph.temporal.client, fanOutId('large-1'));
  expect(await written()).toEqual(readers.map(() => 1));
  expect(await runsOf(graph.temporal.client, fanOutId('large-1'))).toBe(1);
});
