import request from 'supertest';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';

let graph: TestGraph;
let warnings: jest.SpyInstance;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'devices' });
  warnings = jest.spyOn(graph.logger, 'warn');
});
afterAll(() => graph?.stop());

/** As the rule makes it of what a device publishes on `devices/<id>/readings`. */
const event = (device: string, payload: unknown, arrivedAt = Date.now()) => ({
  device,
  arrivedAt,
  data: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)).toString('base64'),
});
const take = (one: ReturnType<typeof event>) => graph.handlers['iot']!(one as never);
const reading = (celsius: number) => ({
  timestamp: new Date(Date.now() - celsius * 1_000).toISOString(),
  metrics: { celsius },
});
const stored = async (device: string) => {
  const { body } = await request(graph.app)
    .get(`/v1/devices/${device}/readings?from=${new Date(Date.now() - 3_600_000).toISOString()}&limit=50`)
    .set(...bearer('admin'))
    .expect(200);
  return (body.items as { metrics: { celsius: number } }[]).map(({ metrics }) => metrics.celsius);
};
beforeEach(() => warnings.mockClear());

it('stores what a device published, once, however often it is handed over', async () => {
  const one = event('iot-1', reading(20));
  await take(one);
  await Promise.all([take(one), take(one), take(event('iot-1', { readings: [reading(21), reading(22)] }))]);
  expect((await stored('iot-1')).sort()).toEqual([20, 21, 22]);
  expect(warnings).not.toHaveBeenCalled();
});

it('goes by the device of the topic, whatever the message says', async () => {
  await take(event('iot-2', { ...reading(1), deviceId: 'iot-3' }));
  expect([await stored('iot-2'), await stored('iot-3')]).toEqual([[], []]);
  expect(warnings).toHaveBeenCalledWith(
    { device: 'iot-2', reason: 'deviceId must be that of the topic (iot-2) or absent' },
    expect.any(String),
  );
});

it.each([
  ['no JSON', '{', 'is not JSON in UTF-8'],
  ['no reading', { celsius: 3 }, expect.stringContaining('the reading has unknown fields: celsius')],
])('what can never be stored (%s) is logged and not tried again', async (_what, payload, reason) => {
  await expect(take(event('iot-4', payload))).resolves.toBeUndefined();
  expect(warnings).toHaveBeenCalledWith({ device: 'iot-4', reason }, expect.any(String));
});

it('throws while the table is away, so that Lambda calls again', async () => {
  const one = event('iot-5', reading(5));
  graph.wire.cut();
  await expect(take(one)).rejects.toMatchObject({ type: 'unavailable' });
  graph.wire.mend();
  await take(one);
  expect(await stored('iot-5')).toEqual([5]);
});

it('an event of a rule with another SELECT says which one it must be', async () => {
  await expect(take({ celsius: 3 } as never)).rejects.toThrow(
    "The rule must select encode(*, 'base64') AS data, topic(2) AS device, timestamp() AS arrivedAt",
  );
});
