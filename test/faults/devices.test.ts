import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { addDays, dayOf, dayStart } from '../../src/domain/devices/days';
import { ReadingStore } from '../../src/stores/devices/readings';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { keepWorker, type KeptWorker } from '../support/keptWorker';
import { startTestS3, type TestS3 } from '../support/s3';
import { eventually } from '../support/stack';
import { resultOf, startTestTemporal, type TestTemporal } from '../support/temporal';

const folder = mkdtempSync(join(tmpdir(), 'longwatch-device-faults-'));
let temporal: TestTemporal;
let s3: TestS3;
let graph: TestGraph;
let worker: KeptWorker | undefined;

beforeAll(async () => {
  [temporal, s3] = await Promise.all([startTestTemporal(), startTestS3()]);
  graph = await startTestGraph(
    {
      LONGWATCH_CAPABILITIES: 'devices',
      ...s3.environment,
      LONGWATCH_ARCHIVE_AFTER_MS: '1',
      LONGWATCH_DEVICE_CACHE_MS: '1',
      LONGWATCH_ERASE_AFTER_MS: '1000',
      LONGWATCH_LATE_WINDOW_MS: String(2 * 86_400_000),
    },
    temporal.address,
  );
  worker = await keepWorker(graph.environment, ['test/support/killedDeviceWorker.ts', folder]);
}, 900_000);
afterAll(async () => {
  worker?.stop();
  await graph?.stop();
  await s3?.stop();
  await temporal?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const deaths = () =>
  existsSync(join(folder, 'deaths.log')) ? readFileSync(join(folder, 'deaths.log'), 'utf8').trim().split('\n') : [];
const of = addDays(dayOf(Date.now()), -1);
const get = async (path: string) =>
  (
    await request(graph.app)
      .get(path)
      .set(...bearer('eva'))
      .expect(200)
  ).body;
const stored = async (deviceId: string): Promise<string[]> =>
  (
    await get(`/v1/devices/${deviceId}/readings?from=${of}T00:00:00Z&to=${addDays(of, 1)}T00:00:00Z&limit=1000`)
  ).items.map(({ readingId }: { readingId: string }) => readingId);
const send = async (deviceId: string, count: number): Promise<string[]> => {
  const readings = Array.from({ length: count }, (_, i) => ({
    timestamp: dayStart(of) + i * 60_000,
    metrics: { t: i },
  }));
  const { body } = await request(graph.app)
    .post(`/v1/devices/${deviceId}/readings`)
    .set(...bearer('service'))
    .send({ readings })
    .expect(200);
  return body.results.map(({ readingId }: { readingId: string }) => readingId);
};
const result = (workflowId: string) => resultOf(graph.temporal.client, workflowId) as Promise<Record<string, unknown>>;

it(
  'kill -9 of the worker between writing, committing and deleting: at any instant every reading is there, at the ' +
    'end in verified files alone',
  async () => {
    const expected = { 'k-1': await send('k-1', 200), 'k-2': await send('k-2', 100) };
    const { body } = await request(graph.app)
      .post(`/v1/archives/${of}`)
      .set(...bearer('eva'))
      .expect(202);
    const state = { ended: false };
    const ending = result(body.workflowId).finally(() => (state.ended = true));
    // Whatever dies meanwhile.
    while (!state.ended) {
      for (const [deviceId, ids] of Object.entries(expected)) expect(await stored(deviceId)).toEqual(ids);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await ending).toEqual({ day: of, rows: 300, files: 1 });
    expect(deaths()).toEqual(['writeLane', 'commitArchive', 'deletePart']);
    for (const deviceId of Object.keys(expected))
      expect((await new ReadingStore(graph.dynamodb.db).page({ deviceId, day: of })).rows).toEqual([]);
    expect(await s3.list('device_data/')).toEqual([
      `device_data/dt=${of}/_manifest-00001.json`,
      `device_data/dt=${of}/part-00000.parquet`,
    ]);
    const count = async () =>
      (await get(`/v1/devices/k-1/readings?from=${of}T00:00:00Z&to=${addDays(of, 1)}T00:00:00Z&resolution=1d`)).items[0]
        ?.readings;
    expect(await eventually(count, (found) => found >= 200)).toBe(200);
  },
);

it('kill -9 while a device is erased: the device is gone from everywhere, the others are whole', async () => {
  const others = await stored('k-2');
  const { body } = await request(graph.app)
    .delete('/v1/devices/k-1')
    .set(...bearer('eva'))
    .expect(202);
  expect(await result(body.workflowId)).toMatchObject({ rewritten: expect.any(Number) });
  expect(deaths().at(-1)).toBe('rewriteDay');
  expect(await stored('k-1')).toEqual([]);
  expect(await stored('k-2')).toEqual(others);
  expect((await get(`/v1/archives/${of}`)).rows).toBe(100);
  expect(await s3.list('device_data/')).toEqual([
    `device_data/dt=${of}/_manifest-00002.json`,
    `device_data/dt=${of}/part-00001.parquet`,
  ]);
  expect((await get('/v1/devices/k-1')).erasedAt).toBeDefined();
});
