import { randomUUID } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import request from 'supertest';
import type { Consumer } from '../../../src/operations/platform/streams/consumer';
import { DeadLetterStore } from '../../../src/stores/platform/deadLetters';
import { DEVICES_QUEUE, READINGS_STREAM } from '../../../src/domain/devices/workflows';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';
import { startTestKinesis, STREAM, type TestKinesis } from '../../support/kinesis';
import { startTestMqtt, type TestMqtt } from '../../support/mqtt';
import { readAll } from '../../support/shards';
import { eventually, stillAfter } from '../../support/eventually';

let kinesis: TestKinesis;
let broker: TestMqtt;
let graph: TestGraph;
let device: MqttClient;

beforeAll(async () => {
  [kinesis, broker] = await Promise.all([startTestKinesis(2), startTestMqtt()]);
  graph = await startTestGraph({
    LONGWATCH_CAPABILITIES: 'devices',
    KINESIS_ENDPOINT: kinesis.endpoint,
    LONGWATCH_READINGS_STREAM: STREAM,
    MQTT_URL: broker.url,
    LONGWATCH_DEVICE_CACHE_MS: '1',
  });
  graph.startListening([DEVICES_QUEUE]);
  device = await mqtt.connectAsync(broker.url);
});
afterAll(async () => {
  await device?.endAsync(true);
  await graph?.stop();
  await broker?.stop();
  await kinesis?.stop();
});

const now = Date.now();
const newDevice = () => `device-${randomUUID()}`;
const reading = (i: number) => ({ timestamp: now - i * 1_000, metrics: { t: i } });
const stored = async (deviceId: string): Promise<number[]> => {
  const { body } = await request(graph.app)
    .get(`/v1/devices/${deviceId}/readings?limit=1000`)
    .set(...bearer('service'))
    .expect(200);
  return body.items.map(({ metrics }: { metrics: { t: number } }) => metrics.t).sort((a: number, b: number) => a - b);
};
const publish = (deviceId: string, message: unknown) =>
  device.publishAsync(`devices/${deviceId}/readings`, typeof message === 'string' ? message : JSON.stringify(message), {
    qos: 1,
  });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('MQTT', () => {
  it('acknowledges a reading once it is on record', async () => {
    const deviceId = newDevice();
    await Promise.all(numbers(100).map((i) => publish(deviceId, reading(i))));
    expect(await stored(deviceId)).toEqual(numbers(100));
    await publish(deviceId, { readings: numbers(120).map(reading) });
    expect(await stored(deviceId)).toEqual(numbers(120));
  });

  it('while DynamoDB is away nothing is acknowledged, and afterwards everything', async () => {
    const deviceId = newDevice();
    await publish(deviceId, reading(0));
    graph.wire.cut();
    let acknowledged = 0;
    const sent = [1, 2, 3].map((i) => publish(deviceId, reading(i)).then(() => acknowledged++));
    expect(await stillAfter(1_500, () => acknowledged)).toBe(0);
    graph.wire.mend();
    await Promise.all(sent);
    expect(await stored(deviceId)).toEqual(numbers(4));
  });

  it('tells a device what is wrong with a reading that can never be stored', async () => {
    const deviceId = newDevice();
    const rejected: string[] = [];
    device.on(
      'message',
      (topic, payload) =>
        topic === `devices/${deviceId}/rejected` &&
        rejected.push((JSON.parse(payload.toString()) as { detail: string }).detail),
    );
    await device.subscribeAsync(`devices/${deviceId}/rejected`);
    for (const message of [
      '{',
      '[1]',
      { ...reading(1), deviceId: 'another' },
      { timestamp: 'yesterday', metrics: { t: 1 } },
      { readings: [reading(1), { metrics: { t: 2 } }] },
    ])
      await publish(deviceId, message);
    await eventually(
      async () => rejected,
      ({ length }) => length === 5,
    );
    expect(rejected).toEqual([
      'is not JSON in UTF-8',
      expect.stringContaining('must be a JSON object'),
      expect.stringContaining('must be that of the topic'),
      expect.stringContaining('timestamp must be ISO 8601'),
      expect.stringContaining('readings[1].timestamp is missing; it must be ISO 8601'),
    ]);
    expect(await stored(deviceId)).toEqual([1]);
  });
});

describe('Kinesis', () => {
  const consumer = () => graph.consumers[READINGS_STREAM] as Consumer<never>;

  it('stores what a rule of AWS IoT Core puts there, once by whichever path it comes', async () => {
    const [one, two] = [newDevice(), newDevice()];
    await publish(one, reading(0));
    await kinesis.put([
      ...numbers(300).map((i) => ({ key: one, data: JSON.stringify({ deviceId: one, ...reading(i) }) })),
      { key: two, data: JSON.stringify({ deviceId: two, readings: numbers(50).map(reading) }) },
      ...numbers(300).map((i) => ({ key: one, data: JSON.stringify({ ...reading(i), deviceId: one }) })),
    ]);
    await readAll(consumer());
    expect(await stored(one)).toEqual(numbers(300));
    expect(await stored(two)).toEqual(numbers(50));
  });

  it('keeps aside what can never be stored, with the reason, and goes on', async () => {
    const deviceId = newDevice();
    await kinesis.put([
      { key: 'a', data: 'nonsense' },
      { key: 'a', data: JSON.stringify(reading(1)) },
      { key: 'a', data: JSON.stringify({ deviceId, readings: [reading(1), { ...reading(2), metrics: { '!': 1 } }] }) },
    ]);
    await readAll(consumer());
    expect(await stored(deviceId)).toEqual([1]);
    const { items } = await new DeadLetterStore(graph.dynamodb.db).list(READINGS_STREAM, { limit: 10 });
    expect(items.map(({ reason }) => reason)).toEqual([
      'is not JSON in UTF-8',
      expect.stringContaining('deviceId must be the id of the device'),
      expect.stringContaining('readings[1].metrics.! must be 1 to 64 characters'),
    ]);
  });
});
