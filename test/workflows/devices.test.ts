import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import request from 'supertest';
import type { Manifest } from '../../src/domain/devices/archive';
import { addDays, dayOf, dayStart } from '../../src/domain/devices/days';
import {
  ARCHIVE_DUE_ID,
  ARCHIVE_DUE_TYPE,
  ARCHIVE_TYPE,
  archiveWorkflowId,
  DEVICE_ALERTS_TYPE,
  DEVICE_DATA_STREAM,
  DEVICES_QUEUE,
  ERASE_DAY_TYPE,
  ERASE_TYPE,
  EXPIRE_TYPE,
  RESTORE_TYPE,
  ROLLUP_CHECK_DAY_TYPE,
  ROLLUP_CHECK_TYPE,
  rollupCheckId,
  SILENCE_ID,
  SILENCE_TYPE,
} from '../../src/domain/devices/workflows';
import { ReadingStore } from '../../src/stores/devices/readings';
import { RollupStore } from '../../src/stores/devices/rollups';
import { bearer, startTestGraph, type TestGraph, type Who } from '../support/graph';
import { billableActions, record } from '../support/histories';
import { startTestS3, type TestS3 } from '../support/s3';
import { eventually } from '../support/stack';
import { resultOf, startTestTemporal, type TestTemporal } from '../support/temporal';
import { startTestWorkers } from '../support/workers';

let temporal: TestTemporal;
let s3: TestS3;
let graph: TestGraph;
let workers: Awaited<ReturnType<typeof startTestWorkers>>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  [temporal, s3] = await Promise.all([startTestTemporal(), startTestS3()]);
  // Attempts are short, so that histories show several.
  graph = await startTestGraph(
    {
      LONGWATCH_CAPABILITIES: 'devices',
      ...s3.environment,
      LONGWATCH_ARCHIVE_AFTER_MS: '1',
      LONGWATCH_DEVICE_CACHE_MS: '1',
      LONGWATCH_ERASE_AFTER_MS: '2000',
    },
    temporal.address,
    { attemptMs: 1_000 },
  );
  // Every task from history: what a worker that was restarted would do.
  workers = await startTestWorkers(graph, temporal.address, { maxCachedWorkflows: 0 });
  await graph.startStandingWorkflows();
}, 900_000);
afterAll(async () => {
  await workers?.stop();
  await graph?.stop();
  await s3?.stop();
  await temporal?.stop();
});

const MINUTE = 60_000;
const day = (ago: number) => addDays(dayOf(Date.now()), -ago);
const workflow = () => graph.temporal.client.workflow;
const get = (path: string, who: Who = 'eva') =>
  request(graph.app)
    .get(path)
    .set(...bearer(who));
const post = (path: string, body: object = {}, who: Who = 'eva') =>
  request(graph.app)
    .post(path)
    .set(...bearer(who))
    .send(body);
const send = async (deviceId: string, readings: object[]) => {
  const { body } = await post(`/v1/devices/${deviceId}/readings`, { readings }, 'service').expect(200);
  return body.results.map(({ readingId }: { readingId: string }) => readingId) as string[];
};
const readings = (of: string, count: number, offset = 0) =>
  Array.from({ length: count }, (_, i) => ({
    timestamp: dayStart(of) + offset + i * MINUTE,
    metrics: { t: i / 10, on: i % 2 === 0, mode: 'eco' },
    ...(i % 3 === 0 && { status: 'ok', location: { latitude: 52.5, longitude: 13.4 } }),
  }));
const all = async (deviceId: string, of: string, limit = 1_000) => {
  const items: { readingId: string; metrics: { t: number } }[] = [];
  for (let cursor = ''; ;) {
    const { body } = await get(
      `/v1/devices/${deviceId}/readings?from=${of}T00:00:00Z&to=${addDays(of, 1)}T00:00:00Z&limit=${limit}${cursor}`,
    ).expect(200);
    items.push(...body.items);
    if (body.cursor === undefined) return items;
    cursor = `&cursor=${body.cursor}`;
  }
};
const done = async (response: request.Test) =>
  workflow()
    .getHandle((await response.expect(202)).body.workflowId)
    .result();
const manifestOf = async (of: string): Promise<Manifest> => {
  const { body } = await get(`/v1/archives/${of}`).expect(200);
  return JSON.parse(
    (await s3.get(`device_data/dt=${of}/_manifest-${String(body.manifest).padStart(5, '0')}.json`)).toString(),
  ) as Manifest;
};
const rowsInTable = async (deviceId: string, of: string) => {
  return (await new ReadingStore(graph.dynamodb.db).page({ deviceId, day: of })).rows;
};

it('a finished day goes to the archive; reads show no difference; the same rows make the same bytes', async () => {
  const of = day(2);
  await send('a-1', readings(of, 300));
  await send('a-2', readings(of, 200));
  const before = { first: await all('a-1', of), second: await all('a-2', of) };
  expect(await done(post(`/v1/archives/${of}`))).toEqual({ day: of, rows: 500, files: 1 });
  expect(await rowsInTable('a-1', of)).toEqual([]);
  expect(await all('a-1', of)).toEqual(before.first);
  expect(await all('a-2', of, 7)).toEqual(before.second);
  const manifest = await manifestOf(of);
  const bytes = await s3.get(`device_data/dt=${of}/part-00000.parquet`);
  expect(manifest).toEqual({
    day: of,
    generation: 1,
    rows: 500,
    parts: [
      {
        name: 'part-00000.parquet',
        rows: 500,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        minTime: dayStart(of),
        maxTime: dayStart(of) + 299 * MINUTE,
      },
    ],
  });
  expect((await get('/v1/archives').expect(200)).body.items).toEqual([
    expect.objectContaining({ date: of, state: 'archived', rows: 500, files: 1, manifest: 1 }),
  ]);
  // Nothing new: nothing is done, and nothing changes.
  expect(await done(post(`/v1/archives/${of}`))).toEqual({ day: of, rows: 0, files: 0 });
  expect(await s3.list('device_data/')).toHaveLength(2);
});

it('a day costs a start, five activities and three for each file, however many rows it has', async () => {
  const { events } = await workflow()
    .getHandle(archiveWorkflowId(day(2)))
    .fetchHistory();
  expect(billableActions({ events: events! })).toBe(1 + 3); // The second run, which found nothing.
  const runs: string[] = [];
  for await (const { runId } of workflow().list({ query: `WorkflowId = "${archiveWorkflowId(day(2))}"` }))
    runs.push(runId);
  const first = workflow().getHandle(archiveWorkflowId(day(2)), runs.at(-1)!);
  const history = await record(ARCHIVE_TYPE, 'archived', first);
  expect(billableActions(history)).toBe(1 + 5 + 3);
  expect(history.events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
});

it(
  'late readings of an archived day are served at once, and merged by a further part; copies of archived ones are ' +
    'not',
  async () => {
    const of = day(2);
    const ids = await send('a-1', readings(of, 300));
    expect(await rowsInTable('a-1', of)).toEqual([]);
    const [late] = await send('a-1', [{ timestamp: dayStart(of) + 30_000, metrics: { t: 99 } }]);
    await send('a-1', [{ timestamp: dayStart(of) + 30_000, metrics: { t: 99 } }]);
    const found = await all('a-1', of);
    expect(found.map(({ readingId }) => readingId)).toEqual([ids[0], late, ...ids.slice(1)]);
    expect(await done(post(`/v1/archives/${of}`))).toEqual({ day: of, rows: 1, files: 1 });
    expect(await all('a-1', of)).toEqual(found);
    expect((await manifestOf(of)).parts.map(({ name, rows }) => [name, rows])).toEqual([
      ['part-00000.parquet', 500],
      ['part-00001.parquet', 1],
    ]);
    expect(await rowsInTable('a-1', of)).toEqual([]);
  },
);

it('rollups count each reading once: not its copies, nor its way to the archive and back', async () => {
  const of = day(2);
  await done(post(`/v1/archives/${of}/restore`));
  expect(await rowsInTable('a-1', of)).toHaveLength(301);
  expect((await get(`/v1/archives/${of}`)).body.state).toBe('restored');
  expect(await all('a-1', of)).toHaveLength(301);
  await send('a-1', [{ timestamp: dayStart(of) + 31_000, metrics: { t: 100 } }, ...readings(of, 10)]);
  expect(await done(post(`/v1/archives/${of}`))).toMatchObject({ rows: 502 });
  expect(await rowsInTable('a-1', of)).toEqual([]);
  expect(await all('a-1', of)).toHaveLength(302);
  const count = async () =>
    (await get(`/v1/devices/a-1/readings?from=${of}T00:00:00Z&to=${addDays(of, 1)}T00:00:00Z&resolution=1d`)).body
      .items[0]?.readings;
  expect(await eventually(count, (found) => found >= 302)).toBe(302);
  await record(RESTORE_TYPE, 'restored', workflow().getHandle(archiveWorkflowId(of), await runOf(of, RESTORE_TYPE)));
});

it('rollups that a gap in the stream left short are put right, from archived readings, too', async () => {
  const of = day(2);
  const rollups = new RollupStore(graph.dynamodb.db);
  const shown = async () =>
    (
      await get(`/v1/devices/a-1/readings?from=${of}T00:00:00Z&to=${addDays(of, 1)}T00:00:00Z&resolution=1h`).expect(
        200,
      )
    ).body;
  const right = await shown();
  const stored = [...(await rollups.ofDay('a-1', of, ['1h', '1d'])).values()];
  for (const { key, ...before } of stored)
    expect(
      await rollups.swap(key, before, key.resolution === '1d' ? { ...before.rollup, readings: 1 } : undefined),
    ).toBe(true);
  expect(await shown()).toEqual({ items: [] });
  expect(await done(post(`/v1/rollups/${of}/check`))).toEqual({ days: 1, devices: 2, replaced: stored.length });
  expect(await shown()).toEqual(right);
  expect(await done(post(`/v1/rollups/${of}/check`))).toEqual({ days: 1, devices: 2, replaced: 0 });
  const check = workflow().getHandle(rollupCheckId(of));
  const { events } = await record(ROLLUP_CHECK_TYPE, 'one-day', check);
  expect(billableActions({ events: events! })).toBe(2);
  await record(
    ROLLUP_CHECK_DAY_TYPE,
    'nothing-wrong',
    workflow().getHandle(archiveWorkflowId(of), await runOf(of, ROLLUP_CHECK_DAY_TYPE)),
  );
});

const runOf = async (of: string, type: string): Promise<string> => {
  for await (const { runId } of workflow().list({
    query: `WorkflowId = "${archiveWorkflowId(of)}" AND WorkflowType = "${type}"`,
  }))
    return runId;
  throw new Error(`There is no run of ${type}`);
};

it('SQL over the archive finds readings and metrics by name, the views defined already', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-query-'));
  const query = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'scripts/devices.ts', 'query', ...args], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', ...graph.environment, LONGWATCH_DATA_DIR: dataDir },
    });
  const { stdout } = query(
    '--json',
    'SELECT r.device_id AS device, count(*)::INT AS readings, ' +
      "(SELECT sum(value) FROM metrics m WHERE m.device_id = r.device_id AND name = 'on') AS on, " +
      'min(dt)::VARCHAR AS day FROM readings r GROUP BY 1 ORDER BY 1',
  );
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([
    { device: 'a-1', readings: 302, on: 150, day: day(2) },
    { device: 'a-2', readings: 200, on: 100, day: day(2) },
  ]);
  expect(
    query("SELECT text, count(*) AS n FROM metrics WHERE name = 'mode' GROUP BY 1", '--from', day(2), '--to', day(2))
      .stdout,
  ).toMatch(/eco +│ 500/);
  const wrong = query('SELECT nothing FROM readings');
  expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('nothing')]);
  expect(query('SELECT 1', '--from', 'yesterday').stderr).toContain('--from must be a day');
  rmSync(dataDir, { recursive: true, force: true });
});

it('what may not be asked for is refused with the reason', async () => {
  expect((await post(`/v1/archives/${day(0)}`).expect(409)).body.detail).toContain('can be archived from');
  expect((await post('/v1/archives/2026-02-30').expect(400)).body.detail).toContain('must be a day');
  await post(`/v1/archives/${day(6)}/restore`).expect(404);
  await post(`/v1/archives/${day(2)}`, {}, 'service').expect(403);
  expect((await get('/v1/retention').expect(200)).body.keptDays).toEqual({
    rollups: { '1m': 31, '1h': 400, '1d': 3650 },
    archive: 3650,
    restored: 7,
  });
});

it('the clock finds days that are over', async () => {
  const of = day(3);
  await send('clocked', readings(of, 20));
  const schedule = graph.temporal.client.schedule.getHandle(ARCHIVE_DUE_ID);
  await schedule.trigger();
  const { info } = await eventually(
    () => schedule.describe(),
    ({ info: { recentActions } }) => recentActions.length > 0,
  );
  const handle = workflow().getHandle(info.recentActions[0]!.action.workflow.workflowId);
  expect(await handle.result()).toMatchObject({ done: expect.arrayContaining([of]), failed: [] });
  expect((await get(`/v1/archives/${of}`).expect(200)).body).toMatchObject({ state: 'archived', rows: 20 });
  await record(ARCHIVE_DUE_TYPE, 'done', handle);
});

it('an erased device is gone from table, archive and rollups; others keep all readings; it may return', async () => {
  const of = day(2);
  const others = await all('a-2', of);
  await send('a-1', [{ timestamp: Date.now() - MINUTE, metrics: { t: 7 } }]);
  // Shorter than in production, where every process is to hear of it.
  const { body } = await request(graph.app)
    .delete('/v1/devices/a-1')
    .set(...bearer('eva'))
    .expect(202);
  expect(
    (
      await request(graph.app)
        .delete('/v1/devices/a-1')
        .set(...bearer('eva'))
        .expect(202)
    ).body,
  ).toEqual(body);
  const refused = await post(
    '/v1/devices/a-1/readings',
    { readings: [{ timestamp: Date.now(), metrics: { t: 1 } }] },
    'service',
  ).expect(207);
  expect(refused.body.results[0].errors[0].message).toContain('is being erased');
  const handle = workflow().getHandle(body.workflowId);
  expect(await resultOf(graph.temporal.client, body.workflowId)).toMatchObject({ rewritten: 3 });
  expect(await all('a-1', of)).toEqual([]);
  expect(await all('a-2', of)).toEqual(others);
  const { parts } = await manifestOf(of);
  expect(parts.reduce((sum, { rows }) => sum + rows, 0)).toBe(200);
  expect(await s3.list(`device_data/dt=${of}/`)).toHaveLength(parts.length + 1);
  for (const part of parts) expect((await s3.get(`device_data/dt=${of}/${part.name}`)).includes('a-1')).toBe(false);
  expect((await get(`/v1/devices/a-1/readings?from=${day(30)}T00:00:00Z&resolution=1d`)).body.items).toEqual([]);
  expect((await get('/v1/devices/a-1').expect(200)).body).toEqual({
    deviceId: 'a-1',
    groups: [],
    erasedAt: expect.any(String),
  });
  await send('a-1', readings(of, 1));
  expect(await all('a-1', of)).toHaveLength(1);
  await record(ERASE_DAY_TYPE, 'erased', workflow().getHandle(archiveWorkflowId(of), await runOf(of, ERASE_DAY_TYPE)));
  const history = await record(ERASE_TYPE, 'erased', handle);
  expect(history.events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
});

it('what is past its age is deleted, and said to be', async () => {
  const of = day(3);
  expect(await all('clocked', of)).toHaveLength(20);
  const handle = await workflow().start(EXPIRE_TYPE, {
    workflowId: archiveWorkflowId(of),
    taskQueue: DEVICES_QUEUE,
    args: [{ day: of }],
  });
  await handle.result();
  await record(EXPIRE_TYPE, 'expired', handle);
  expect(await all('clocked', of)).toEqual([]);
  expect((await get(`/v1/archives/${of}`)).body).toMatchObject({ state: 'expired' });
  expect(await s3.list(`device_data/dt=${of}/`)).toEqual([]);
  expect((await post(`/v1/archives/${of}/restore`).expect(202)).body).toBeDefined();
  await expect(workflow().getHandle(archiveWorkflowId(of)).result()).rejects.toMatchObject({
    cause: { cause: { message: expect.stringContaining('is in the state expired') } },
  });
});

it('alerts are raised and cleared once each, and told of', async () => {
  const put = (path: string, alerts: unknown[]) =>
    request(graph.app)
      .put(path)
      .set(...bearer('eva'))
      .set('if-match', '"0"')
      .send({ alerts })
      .expect(200);
  await put('/v1/devices/hot-1/alerts', [
    { id: 'hot', kind: 'threshold', metric: 't', direction: 'above', value: 30, clear: 28, recipient: 'team/roof' },
  ]);
  await put('/v1/device-groups/roof/alerts', [
    { id: 'quiet', kind: 'silence', afterSeconds: 2, recipient: 'team/roof' },
  ]);
  await request(graph.app)
    .put('/v1/devices/hot-1')
    .set(...bearer('eva'))
    .send({ groups: ['roof'] })
    .expect(200);
  const now = Date.now();
  await send(
    'hot-1',
    [20, 31, 35, 29, 27, 20].map((t, i) => ({ timestamp: now - 6_000 + i * 1_000, metrics: { t } })),
  );
  const told = async () =>
    (await get('/v1/notifications?recipient=team/roof&limit=200').expect(200)).body.items as {
      id: string;
      status: string;
      text: string;
    }[];
  const expected = ['alert/hot-1/hot/1/raised', 'alert/hot-1/hot/1/cleared', 'alert/hot-1/roof/quiet/1/raised'];
  const before = await eventually(
    told,
    (items) => items.length >= 3 && items.every(({ status }) => status === 'delivered'),
  );
  expect(before.map(({ id }) => id).sort()).toEqual(expected.sort());
  expect(before.find(({ id }) => id.includes('quiet'))!.text).toContain('has sent nothing for 2 s');
  await send('hot-1', [{ timestamp: Date.now(), metrics: { t: 20 } }]);
  const after = await eventually(told, (items) => items.some(({ id }) => id === 'alert/hot-1/roof/quiet/1/cleared'));
  expect(after.find(({ id }) => id === 'alert/hot-1/roof/quiet/1/cleared')!.text).toContain('reports again');
  await record(DEVICE_ALERTS_TYPE, 'raised', workflow().getHandle('alert/hot-1/hot/1/raised'));
});

it('goes on from history', async () => {
  const silence = workflow().getHandle(SILENCE_ID);
  await eventually(
    () => silence.fetchHistory(),
    ({ events }) => (events ?? []).filter(({ activityTaskCompletedEventAttributes: over }) => over).length >= 3,
  );
  const { events } = await record(SILENCE_TYPE, 'running', silence);
  expect(events!.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
  expect((await workflow().getHandle(`stream/${DEVICE_DATA_STREAM}`).describe()).status.name).toBe('RUNNING');
});
