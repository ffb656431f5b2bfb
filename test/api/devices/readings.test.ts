import { randomUUID } from 'node:crypto';
import request from 'supertest';
import type { Consumer } from '../../../src/operations/platform/streams/consumer';
import { DEVICE_DATA_STREAM } from '../../../src/domain/devices/workflows';
import { bearer, startTestGraph, type TestGraph, type Who } from '../../support/graph';
import { readAll } from '../../support/shards';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'devices', LONGWATCH_DEVICE_CACHE_MS: '1' });
});
afterAll(() => graph?.stop());

const MINUTE = 60_000;
const DAY = 86_400_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const device = () => `device-${randomUUID()}`;
const post = (deviceId: string, readings: unknown, who: Who = 'service') =>
  request(graph.app)
    .post(`/v1/devices/${deviceId}/readings`)
    .set(...bearer(who))
    .send({ readings });
const get = (path: string, who: Who = 'service') =>
  request(graph.app)
    .get(path)
    .set(...bearer(who));
const list = async (deviceId: string, query = '') =>
  (await get(`/v1/devices/${deviceId}/readings?${query}`).expect(200)).body;
const readStream = () => readAll(graph.consumers[DEVICE_DATA_STREAM] as Consumer<never>);

describe('readings', () => {
  it('are stored once, however often they are sent and in whatever order their metrics come', async () => {
    const deviceId = device();
    const at = ago(MINUTE);
    const { body } = await post(deviceId, [
      {
        timestamp: at,
        metrics: { temperature: 20.5, open: true, mode: 'eco' },
        status: 'ok',
        location: { latitude: 52.52, longitude: 13.405 },
      },
      {
        timestamp: at,
        metrics: { mode: 'eco', temperature: 20.5, open: true },
        location: { longitude: 13.405, latitude: 52.52000000001 },
        status: 'ok',
      },
    ]).expect(200);
    expect(body).toMatchObject({ stored: 2, rejected: 0 });
    expect(body.results[0].readingId).toBe(body.results[1].readingId);
    await post(deviceId, [
      {
        timestamp: Date.parse(at),
        metrics: { open: true, mode: 'eco', temperature: 20.5 },
        status: 'ok',
        location: { latitude: 52.52, longitude: 13.405 },
      },
    ]).expect(200);
    expect((await list(deviceId)).items).toEqual([
      {
        readingId: body.results[0].readingId,
        timestamp: at,
        metrics: { temperature: 20.5, open: true, mode: 'eco' },
        status: 'ok',
        location: { latitude: 52.52, longitude: 13.405 },
      },
    ]);
  });

  it('of one instant that differ are both kept', async () => {
    const deviceId = device();
    const timestamp = ago(MINUTE);
    await post(deviceId, [
      { timestamp, metrics: { t: 1 } },
      { timestamp, metrics: { t: 2 } },
      { timestamp, status: 'ok' },
    ]).expect(200);
    expect((await list(deviceId)).items).toHaveLength(3);
  });

  it('each have their own result: what is wrong is said of each field, and keeps none of the others out', async () => {
    const deviceId = device();
    const timestamp = ago(MINUTE);
    const { body } = await post(deviceId, [
      { timestamp, metrics: { t: 1 } },
      { timestamp: ago(-6 * MINUTE), metrics: { t: 1 } },
      { timestamp: ago(8 * DAY), metrics: { t: 1 } },
      { timestamp, metrics: { '1st': 1, t: 'x'.repeat(257) } },
      { timestamp, metrics: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`m${i}`, i])) },
      { timestamp, metrics: { t: 1e101, u: null } },
      { timestamp },
      { timestamp, metrics: { t: 1 }, location: { latitude: 91, longitude: 0 }, colour: 'red' },
      'nonsense',
    ]).expect(207);
    expect(body).toMatchObject({ stored: 1, rejected: 8 });
    const errors = body.results.map(({ errors: found = [] }: { errors?: { field: string; message: string }[] }) =>
      found.map(({ field, message }) => `${field} ${message}`).join('; '),
    );
    expect(errors[0]).toBe('');
    expect(errors[1]).toContain('timestamp must be at most 5 minutes ahead');
    expect(errors[2]).toContain('timestamp must be within the late window');
    expect(errors[3]).toContain('metrics.1st must be 1 to 64 characters');
    expect(errors[3]).toContain('metrics.t must be a finite number, a boolean or a text of at most 256');
    expect(errors[4]).toContain('metrics must hold at most 50 metrics, found 51');
    expect(errors[5]).toContain('metrics.t must be between');
    expect(errors[5]).toContain('metrics.u must be a finite number');
    expect(errors[6]).toContain('must have at least one metric');
    expect(errors[7]).toContain('location.latitude must be between -90 and 90');
    expect(errors[7]).toContain('has unknown fields: colour');
    expect(errors[8]).toContain('must be a JSON object');
    expect((await list(deviceId)).items).toHaveLength(1);
  });

  it('come 500 at a time and not more; their route is for services', async () => {
    const deviceId = device();
    const readings = Array.from({ length: 500 }, (_, i) => ({ timestamp: ago(MINUTE + i * 1000), metrics: { t: i } }));
    await post(deviceId, readings).expect(200);
    expect((await list(deviceId, 'limit=1000')).items).toHaveLength(500);
    expect((await post(deviceId, [...readings, ...readings]).expect(400)).body.errors).toEqual([
      { field: 'readings', message: 'must hold at most 500 readings' },
    ]);
    await post(deviceId, []).expect(400);
    await post('no%23device', readings).expect(400);
    await post(deviceId, readings, 'ana').expect(403);
  });

  it('have at most 200 metric names a device and day; more are refused, those that are known are not', async () => {
    const deviceId = device();
    const noon = Math.floor(Date.now() / DAY) * DAY - 12 * 3_600_000;
    const reading = (from: number, count: number) => ({
      timestamp: noon,
      metrics: Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${from + i}`, i])),
    });
    await post(deviceId, [reading(0, 50), reading(50, 50), reading(100, 50), reading(150, 50)]).expect(200);
    const { body } = await post(deviceId, [reading(200, 1), { ...reading(0, 50), timestamp: noon + 1 }]).expect(207);
    expect(body.results[0].errors[0].message).toContain('limit of 200 metric names');
    expect(body.results[1].status).toBe('stored');
  });

  it('of devices that nobody registered are refused where registration is on', async () => {
    const strict = await startTestGraph({
      LONGWATCH_CAPABILITIES: 'devices',
      LONGWATCH_REGISTERED_DEVICES: 'true',
      LONGWATCH_DEVICE_CACHE_MS: '1',
    });
    try {
      const send = () =>
        request(strict.app)
          .post('/v1/devices/d-1/readings')
          .set(...bearer('service'))
          .send({ readings: [{ timestamp: ago(0), metrics: { t: 1 } }] });
      expect((await send().expect(207)).body.results[0].errors).toEqual([
        { field: 'deviceId', message: expect.stringContaining('is not registered') },
      ]);
      await request(strict.app)
        .put('/v1/devices/d-1')
        .set(...bearer('eva'))
        .send({})
        .expect(200);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await send().expect(200);
    } finally {
      await strict.stop();
    }
  });
});

describe('reads', () => {
  it('go page by page through days, each reading once, and answer for a stretch only', async () => {
    const deviceId = device();
    const start = Math.floor(Date.now() / DAY) * DAY - 3 * DAY;
    const readings = Array.from({ length: 60 }, (_, i) => ({ timestamp: start + i * 3_600_000, metrics: { t: i } }));
    await post(deviceId, readings).expect(200);
    const found: number[] = [];
    let cursor: string | undefined;
    const at = (hours: number) => new Date(start + hours * 3_600_000).toISOString();
    const stretch = `from=${at(10)}&to=${at(55)}`;
    do {
      const page = await list(deviceId, `${stretch}&limit=7${cursor ? `&cursor=${cursor}` : ''}`);
      found.push(...page.items.map(({ metrics }: { metrics: { t: number } }) => metrics.t));
      cursor = page.cursor;
    } while (cursor);
    expect(found).toEqual(Array.from({ length: 45 }, (_, i) => i + 10));
    for (const bad of [
      'from=yesterday',
      'resolution=5m',
      'limit=1001',
      'cursor=x',
      `from=${ago(0)}&to=${ago(DAY)}`,
      `cursor=${Buffer.from('{"Day":"x","After":""}').toString('base64url')}`,
    ])
      await get(`/v1/devices/${deviceId}/readings?${bad}`).expect(400);
  });

  it('latest is one read for a device that reports today, and right for one that does not', async () => {
    const [today, quiet] = [device(), device()];
    await get(`/v1/devices/${today}/latest`).expect(404);
    await post(today, [
      { timestamp: Date.now(), metrics: { t: 2 } },
      { timestamp: ago(DAY), metrics: { t: 1 } },
    ]).expect(200);
    await post(quiet, [
      { timestamp: ago(5 * DAY), metrics: { t: 5 } },
      { timestamp: ago(4 * DAY), metrics: { t: 4 } },
    ]).expect(200);
    expect((await get(`/v1/devices/${today}/latest`).expect(200)).body.metrics).toEqual({ t: 2 });
    await readStream();
    expect((await get(`/v1/devices/${quiet}/latest`).expect(200)).body.metrics).toEqual({ t: 4 });
    graph.dynamodb.calls.length = 0;
    const calls = await graph.callsOf(() => get(`/v1/devices/${today}/latest`));
    expect(calls).toEqual({ Query: 1 });
  });

  it('rollups are there by minute, hour and day once the stream is read', async () => {
    const deviceId = device();
    const start = Math.floor(Date.now() / DAY) * DAY - DAY;
    await post(
      deviceId,
      Array.from({ length: 130 }, (_, i) => ({
        timestamp: start + i * 30_000,
        metrics: { t: i * 0.1, on: i % 2 === 0 },
      })),
    ).expect(200);
    await readStream();
    const stretch = `from=${new Date(start).toISOString()}&to=${new Date(start + DAY).toISOString()}`;
    const { items: hours } = await list(deviceId, `${stretch}&resolution=1h`);
    expect(hours.map(({ readings }: { readings: number }) => readings)).toEqual([120, 10]);
    const [day] = (await list(deviceId, `${stretch}&resolution=1d`)).items;
    expect(day).toMatchObject({
      from: new Date(start).toISOString(),
      readings: 130,
      metrics: { t: { count: 130, min: 0, max: 12.9 }, on: { count: 130, sum: 65, last: { value: false } } },
    });
    expect(day.metrics.t.sum).toBe(838.5);
    const minutes: unknown[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await list(deviceId, `${stretch}&resolution=1m&limit=20${cursor ? `&cursor=${cursor}` : ''}`);
      minutes.push(...page.items);
      if ((cursor = page.cursor) === undefined) break;
    }
    expect(minutes).toHaveLength(65);
  });
});

describe('alerts', () => {
  const put = (path: string, alerts: unknown[], version: number) =>
    request(graph.app)
      .put(path)
      .set(...bearer('eva'))
      .set('if-match', `"${version}"`)
      .send({ alerts });

  it('are set by version, for devices and for groups; a wrong one is named', async () => {
    const deviceId = device();
    const hot = { id: 'hot', kind: 'threshold', metric: 't', direction: 'above', value: 30, clear: 28, forSeconds: 60 };
    expect((await put(`/v1/devices/${deviceId}/alerts`, [hot], 0).expect(200)).headers['etag']).toBe('"1"');
    await put(`/v1/devices/${deviceId}/alerts`, [], 0).expect(412);
    expect((await get(`/v1/devices/${deviceId}/alerts`).expect(200)).body).toEqual({ version: 1, alerts: [hot] });
    await put('/v1/device-groups/roof/alerts', [{ id: 'quiet', kind: 'silence', afterSeconds: 60 }], 0).expect(200);
    await request(graph.app)
      .put(`/v1/devices/${deviceId}/alerts`)
      .set(...bearer('eva'))
      .send({ alerts: [] })
      .expect(428);
    const { body } = await put(
      `/v1/devices/${deviceId}/alerts`,
      [{ ...hot, clear: 31 }, { id: 'x', kind: 'wind' }, hot],
      1,
    ).expect(400);
    expect(body.errors.map(({ field, message }: { field: string; message: string }) => `${field} ${message}`)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('alerts[0].clear must be on the good side'),
        expect.stringContaining('must be of kind threshold, rate or silence'),
      ]),
    );
  });
});
