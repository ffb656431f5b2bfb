import { readFileSync } from 'node:fs';
import { defined } from '../../domain/defined';
import { DEVICES_QUEUE, READINGS_STREAM } from '../../domain/devices/workflows';
import { MqttListener } from '../../gateways/devices/mqttListener';
import { kinesisClient, KinesisStream } from '../../gateways/streams/kinesisStream';
import type { DeviceMetrics } from '../../metrics/devices';
import { Ingest } from '../../operations/devices/ingest';
import { iotMessages, iotReadings } from '../../operations/devices/iotReadings';
import { MessageRedriver } from '../../operations/devices/messageRedriver';
import { IOT_LETTERS, MQTT_LETTERS } from '../../operations/devices/messages';
import { mqttReadings } from '../../operations/devices/mqttReadings';
import { readingStream } from '../../operations/devices/readingStream';
import { type CapabilityInstance, type ReadStream, readStream } from '../capability';
import type { DeviceServices, DeviceStores } from './stores';

/** Builds all sources of readings: requests, the Kinesis stream, MQTT and AWS IoT Core. */
export function buildIntake(services: DeviceServices, metrics: DeviceMetrics, stores: DeviceStores) {
  const { letters, keepLetters, logger } = services;
  const by = (path: Path): Ingest => openIngest(path, services, metrics, stores);
  return {
    /** The ingest of requests. */
    ingest: by('http'),
    streams: kinesisReadings(services, by('kinesis')),
    listeners: mqttListeners(services, by('mqtt')),
    handlers: { iot: iotMessages({ take: iotReadings(by('iot'), keepLetters), logger }) },
    redrivers: {
      [MQTT_LETTERS]: new MessageRedriver({ ingest: by('mqtt'), letters }),
      [IOT_LETTERS]: new MessageRedriver({ ingest: by('iot'), letters }),
    },
  };
}

/** The name of a source in metrics and on the overview page. */
type Path = 'http' | 'kinesis' | 'mqtt' | 'iot';

function openIngest(
  path: Path,
  { config, note, logger }: DeviceServices,
  metrics: DeviceMetrics,
  { readings, days, devices, archived }: DeviceStores,
): Ingest {
  return new Ingest(
    {
      readings,
      days,
      devices,
      archive: archived,
      onReadings(result, count) {
        metrics.readings(path, result, count);
        note({ area: 'devices', tone: 'routine', text: `reading ${result} by ${path}`, count });
      },
      onRefused: (error) => logger.error({ err: error, path }, 'a reading is refused permanently'),
    },
    {
      lateWindowMs: config.LONGWATCH_LATE_WINDOW_MS,
      archiveAfterMs: config.LONGWATCH_ARCHIVE_AFTER_MS,
      registered: config.LONGWATCH_REGISTERED_DEVICES,
      deviceCacheMs: config.LONGWATCH_DEVICE_CACHE_MS,
    },
  );
}

/** The Kinesis stream of readings, if one is configured. */
function kinesisReadings({ config, endpoints, watchCall }: DeviceServices, ingest: Ingest): ReadStream[] {
  const { streams, ...kinesis } = endpoints.kinesis ?? {};
  const stream = streams?.['LONGWATCH_READINGS_STREAM'];
  if (stream === undefined) return [];
  return [
    readStream({
      name: READINGS_STREAM,
      summary: 'Stores the readings of the Kinesis stream',
      source: new KinesisStream(kinesisClient({ region: config.AWS_REGION, ...kinesis, watch: watchCall }), stream),
      handler: readingStream(ingest),
    }),
  ];
}

/** The listener of the MQTT broker, if one is configured. */
function mqttListeners(
  { config, endpoints, metrics, watchCall, onFault, keepLetters }: DeviceServices,
  ingest: Ingest,
): NonNullable<CapabilityInstance['listeners']> {
  if (!endpoints.mqtt) return [];
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const [ca, cert, key] = [file(config.MQTT_CA_FILE), file(config.MQTT_CERT_FILE), file(config.MQTT_KEY_FILE)];
  const settings = {
    url: endpoints.mqtt.url,
    clientId: config.MQTT_CLIENT_ID,
    ...defined({ ca, cert, key }),
  };
  const listener = new MqttListener(settings, {
    ...mqttReadings({ ingest, keep: keepLetters, onFault }),
    onConnected: (connected) => metrics.gateways.mqttConnected(connected),
    watch: watchCall,
  });
  return [{ queue: DEVICES_QUEUE, start: () => listener.start(), stop: () => listener.stop() }];
}
