import mqtt, { type MqttClient } from 'mqtt';
import { LongwatchError } from '../../../src/domain/errors';
import { type Message, MqttListener } from '../../../src/gateways/devices/mqttListener';
import { Ingest } from '../../../src/operations/devices/ingest';
import { mqttReadings } from '../../../src/operations/devices/mqttReadings';
import { DeadLetterStore } from '../../../src/stores/platform/deadLetters';
import { DayStore } from '../../../src/stores/devices/days';
import { DeviceStore } from '../../../src/stores/devices/devices';
import { ReadingStore } from '../../../src/stores/devices/readings';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { startTestMqtt, type TestMqtt } from '../../support/mqtt';
import { eventually } from '../../support/stack';

// The embedded broker acknowledges a reading to its device once the listener has acknowledged it: a publication that
// resolves is one of which the broker holds nothing.
let broker: TestMqtt;
let dynamodb: TestDynamoDB;
beforeAll(async () => {
  [broker, dynamodb] = await Promise.all([startTestMqtt(), startTestDynamoDB()]);
});
afterAll(async () => {
  await broker?.stop();
  await dynamodb?.stop();
});

const now = Date.now();
const day = new Date(now).toISOString().slice(0, 10);
const reading = (i: number) => JSON.stringify({ timestamp: new Date(now - i * 1_000).toISOString(), metrics: { i } });

it(
  'of two devices, one message whose store is refused is set aside; all others are stored and the broker holds ' +
    'nothing',
  async () => {
    const { db } = dynamodb;
    const [readings, letters] = [new ReadingStore(db), new DeadLetterStore(db)];
    const ingest = new Ingest(
      { readings, days: new DayStore(db), devices: new DeviceStore(db), archive: { known: async () => new Set() } },
      { lateWindowMs: 7 * 86_400_000, archiveAfterMs: 86_400_000, registered: false, deviceCacheMs: 1 },
    );
    const faults: unknown[] = [];
    const sizes: number[] = [];
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    // The whole batch fails where the odd reading is in it, as for a value that the store cannot tell apart.
    const refusing: Pick<Ingest, 'store'> = {
      async store(arrivals) {
        sizes.push(arrivals.length);
        // Until all have come: then they are one batch.
        await opened;
        if (JSON.stringify(arrivals).includes('"i":13'))
          throw new LongwatchError('refused', 'DynamoDB cannot store it');
        return ingest.store(arrivals);
      },
    };
    const subscription = mqttReadings({
      ingest: refusing,
      keep: (some) => letters.keep(some),
      onFault: (error) => faults.push(error),
    });
    const settings = { url: broker.url, clientId: 'bisecting' };
    const subscribed = { yet: false };
    const listener = new MqttListener(settings, {
      ...subscription,
      onConnected: (connected) => void (subscribed.yet = connected),
    });
    listener.start();
    const [one, other] = await Promise.all([mqtt.connectAsync(broker.url), mqtt.connectAsync(broker.url)]);
    const rejected: string[] = [];
    one.on('message', (_, payload) => rejected.push(payload.toString()));
    await one.subscribeAsync('devices/one/rejected', { qos: 1 });
    const send = (device: MqttClient, name: string, i: number) =>
      device.publishAsync(`devices/${name}/readings`, reading(i), { qos: 1 });
    await eventually(async () => subscribed.yet, Boolean);
    const first = send(one, 'one', 0);
    await eventually(
      async () => sizes.length,
      (count) => count > 0,
    );
    // Behind the first one they gather to a batch.
    const rest = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 1 ? send(one, 'one', i + 10) : send(other, 'other', i + 10),
    );
    open();
    await Promise.all([first, ...rest]);
    const rowsOf = async (deviceId: string) =>
      (await readings.page({ deviceId, day })).rows
        .map(({ metrics }) => (JSON.parse(metrics) as { i: number }).i)
        .sort((a, b) => a - b);
    expect(await rowsOf('one')).toEqual([
      0,
      ...Array.from({ length: 10 }, (_, i) => 2 * i + 11).filter((i) => i !== 13),
    ]);
    expect(await rowsOf('other')).toEqual(Array.from({ length: 10 }, (_, i) => 2 * i + 10));
    expect((await letters.list('mqtt', { limit: 10 })).items).toMatchObject([
      { shardId: 'one', reason: 'DynamoDB cannot store it' },
    ]);
    expect(faults).toMatchObject([{ type: 'refused' }]);
    expect(
      await eventually(
        async () => rejected,
        (all) => all.length > 0,
      ),
    ).toEqual([JSON.stringify({ detail: 'DynamoDB cannot store it' })]);
    await listener.stop();
    // The session of the listener is the broker's to keep: whoever takes it over is sent what comes now, and nothing of
    // before.
    const taken: string[] = [];
    const next = new MqttListener(settings, {
      ...subscription,
      take: async (messages: readonly Message[]) => (
        taken.push(...messages.map(({ payload }) => payload.toString())),
        []
      ),
    });
    next.start();
    await eventually(
      () => send(other, 'other', 99).then(() => taken.length),
      (count) => count > 0,
    );
    expect(new Set(taken)).toEqual(new Set([reading(99)]));
    await next.stop();
    await Promise.all([one.endAsync(), other.endAsync()]);
  },
);
