import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Client, Connection } from '@temporalio/client';
import mqtt, { type MqttClient } from 'mqtt';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { kinesisClient } from '../../../src/gateways/streams/kinesisStream';
import { startChild } from '../../../src/local/child';
import { type Engine, findEngine, startDynamoDB } from '../../../src/local/dynamodb';
import { startKinesis } from '../../../src/local/kinesis';
import { startMqtt } from '../../../src/local/nodeServer';
import { waitForPort } from '../../../src/local/ports';
import { type Misbehaviour, startEndpointServer } from '../../../src/local/sagemaker/server';
import { startTemporal } from '../../../src/local/temporal';
import { findTemporal } from '../../../src/local/temporalCli';
import { type Db, openDb } from '../../../src/stores/dynamodb';
import { searchAttributeTypes } from '../../../src/domain/platform/searchAttributes';
import { quietPort } from '../../support/ports';
import { startTcpProxy, type TcpProxy } from '../../support/tcpProxy';
import type { ProcessName, WireName } from './faults';
import { Supervised } from './supervised';
import { everything } from '../../../src/graph/capabilities';
import { built } from '../../support/built';

const ROOT = join(__dirname, '..', '..', '..');
const REGION = 'us-east-1';
const PREFIX = 'faults-';
const NAMESPACE = 'default';
const MODEL = 'fraud-model';

export const TRANSACTIONS = 'transactions-in';
export const READINGS = 'readings-in';

/** What capabilities' checkers go by. */
export const HOLD_MS = 8_000;
export const SESSION_IDLE_MS = 30_000;
export const SESSION_EVENTS_TO = 'session-events';
export const SEASON_FENCE_MS = 4_000;
export const FEEDS = { threshold: 6, cap: 60, backfill: 20, ranges: 2, bulkAbove: 4 } as const;

/** Longwatch and its parts, each a process of its own, joined by wires that can be broken. */
export interface Deployment {
  engine: Engine;
  processes: Readonly<Record<ProcessName, Supervised>>;
  wires: Readonly<Record<WireName, TcpProxy>>;
  /** What the model's endpoint does wrong from now on. */
  model: { behaviour: Misbehaviour | undefined };
  key: string;
  /** The API, by its wire. */
  url: string;
  /** The API itself. */
  directUrl: string;
  kinesis: KinesisClient;
  mqtt: MqttClient;
  /** The database itself. */
  db: Db;
  temporal: Client;
  stop(): Promise<void>;
}

export interface DeploymentSettings {
  /** Data and logs. */
  folder: string;
  engine?: Engine;
  /** Run from the sources; default from dist/, as it is deployed. */
  fromSources?: boolean;
  onStage(stage: string): void;
}

export async function deploy({
  folder,
  engine = findEngine(),
  fromSources = false,
  onStage,
}: DeploymentSettings): Promise<Deployment> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    return await deployed({ folder, engine, fromSources, onStage }, stops);
  } catch (error) {
    for (const stop of stops.toReversed()) await stop();
    throw error;
  }
}

async function deployed(
  { folder, engine, fromSources, onStage }: Required<DeploymentSettings>,
  stops: (() => Promise<unknown>)[],
): Promise<Deployment> {
  onStage('DynamoDB, Kinesis, MQTT and the model');
  const model: Deployment['model'] = { behaviour: undefined };
  // Parts are killed and come back where they were.
  const ports = {
    dynamodb: await quietPort(),
    api: await quietPort(),
    temporal: await quietPort(),
    ui: await quietPort(),
  };
  const dynamodb = new Supervised('dynamodb', (onChild) =>
    startDynamoDB({ dataDir: folder, engine, port: ports.dynamodb, onChild }),
  );
  stops.push(() => dynamodb.stop());
  const streams = [TRANSACTIONS, READINGS].map((name) => ({ name, shards: 2 }));
  const [, stream, broker, endpoint] = await Promise.all([
    dynamodb.start(),
    startKinesis({ dataDir: folder, streams, onChild: (child) => stops.push(() => child.stop()) }),
    startMqtt({ dataDir: folder, onChild: (child) => stops.push(() => child.stop()) }),
    startEndpointServer({
      modelPath: join(ROOT, 'model', 'fraud.json'),
      host: '127.0.0.1',
      port: 0,
      endpointName: MODEL,
      behaviour: () => model.behaviour,
    }),
  ]);
  stops.push(() => endpoint.close());
  const database = new DynamoDBClient({
    region: REGION,
    endpoint: `http://127.0.0.1:${ports.dynamodb}`,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 10,
    requestHandler: new NodeHttpHandler({ connectionTimeout: 1_000, requestTimeout: 10_000 }),
  });

  onStage('Temporal');
  const temporalAddress = `127.0.0.1:${ports.temporal}`;
  const executable = await findTemporal({ onStage });
  const temporalPorts = { grpc: { port: ports.temporal, only: true }, ui: { port: ports.ui, only: true } };
  const temporal = new Supervised('temporal', (onChild) =>
    startTemporal({
      executable,
      dataDir: folder,
      ports: temporalPorts,
      namespace: NAMESPACE,
      searchAttributes: searchAttributeTypes,
      onChild,
    }),
  );
  stops.push(() => temporal.stop());
  await temporal.start();

  const to = async (port: number): Promise<TcpProxy> => {
    const wire = await startTcpProxy(port);
    stops.push(() => wire.close());
    return wire;
  };
  const wires: Deployment['wires'] = {
    dynamodb: await to(ports.dynamodb),
    temporal: await to(ports.temporal),
    kinesis: await to(portOf(stream.endpoint)),
    mqtt: await to(portOf(broker.url)),
    model: await to(portOf(endpoint.url)),
    api: await to(ports.api),
  };
  const key = randomBytes(16).toString('hex');
  const environment = {
    NODE_OPTIONS: '',
    AWS_REGION: REGION,
    HOST: '127.0.0.1',
    PORT: String(ports.api),
    LONGWATCH_WORKER_PORT: '0',
    LONGWATCH_API_KEYS: `load:admin:${key}`,
    LONGWATCH_SIGNING_SECRET: randomBytes(32).toString('hex'),
    LONGWATCH_TABLE_PREFIX: PREFIX,
    LONGWATCH_LOG_LEVEL: 'warn',
    DYNAMODB_ENDPOINT: `http://${wires.dynamodb.address}`,
    TEMPORAL_ADDRESS: wires.temporal.address,
    KINESIS_ENDPOINT: `http://${wires.kinesis.address}`,
    LONGWATCH_TRANSACTIONS_STREAM: TRANSACTIONS,
    LONGWATCH_READINGS_STREAM: READINGS,
    SAGEMAKER_ENDPOINT: `http://${wires.model.address}`,
    SAGEMAKER_ENDPOINT_NAME: MODEL,
    MQTT_URL: `mqtt://${wires.mqtt.address}`,
    // Shared machines stall for longer than a payment may take.
    LONGWATCH_MODEL_DEADLINE_MS: '400',
    LONGWATCH_DECISION_DEADLINE_MS: '2500',
    LONGWATCH_STREAM_MODEL_DEADLINE_MS: '2000',
    LONGWATCH_RESCORE_AFTER_MS: '3000',
    LONGWATCH_STREAM_BATCH: '50',
    LONGWATCH_CHECKOUT_HOLD_MS: String(HOLD_MS),
    LONGWATCH_RECONCILE_EVERY_MS: '2000',
    LONGWATCH_SESSION_IDLE_MS: String(SESSION_IDLE_MS),
    LONGWATCH_SESSION_TOUCH_MS: '500',
    LONGWATCH_SESSION_SWEEP_MS: '5000',
    LONGWATCH_SESSION_BUCKETS: '2',
    LONGWATCH_SESSION_EVENTS_TO: SESSION_EVENTS_TO,
    LONGWATCH_SEASON_FENCE_MS: String(SEASON_FENCE_MS),
    LONGWATCH_FEED_THRESHOLD: String(FEEDS.threshold),
    LONGWATCH_FEED_CAP: String(FEEDS.cap),
    LONGWATCH_FEED_BACKFILL: String(FEEDS.backfill),
    LONGWATCH_FEED_RANGES: String(FEEDS.ranges),
    LONGWATCH_FEED_BULK_ABOVE: String(FEEDS.bulkAbove),
  };
  const longwatch = (mode: 'api' | 'worker') => {
    let starts = 0;
    return new Supervised(mode, async (onChild) => {
      const child = startChild({
        name: mode,
        command: process.execPath,
        args: [fromSources ? built('src/main.ts') : join(ROOT, 'dist', 'main.js'), mode],
        cwd: ROOT,
        env: environment,
        logFile: join(folder, 'logs', `${mode}-${++starts}.log`),
      });
      onChild(child);
      if (mode === 'api') await waitForPort(ports.api, child.hasEnded, 60_000);
    });
  };
  onStage('API and worker');
  const api = longwatch('api');
  const worker = longwatch('worker');
  stops.push(
    () => worker.stop(),
    () => api.stop(),
  );
  await Promise.all([api.start(), worker.start()]);

  const connection = Connection.lazy({ address: temporalAddress });
  const kinesis = kinesisClient({
    region: REGION,
    endpoint: `http://${wires.kinesis.address}`,
    credentials: LOCAL_CREDENTIALS,
  });
  const device = await mqtt.connectAsync(`mqtt://${wires.mqtt.address}`, {
    clientId: 'load',
    clean: false,
    reconnectPeriod: 500,
  });
  device.on('error', () => undefined); // It connects again; what is not acknowledged is sent again.
  stops.push(
    () => connection.close(),
    async () => kinesis.destroy(),
    async () => database.destroy(),
    () => device.endAsync(true),
  );
  return {
    engine,
    processes: { dynamodb, temporal, api, worker },
    wires,
    model,
    key,
    url: `http://${wires.api.address}`,
    directUrl: `http://127.0.0.1:${ports.api}`,
    kinesis,
    mqtt: device,
    db: openDb(database, PREFIX, everything.tables),
    temporal: new Client({ connection, namespace: NAMESPACE }),
    async stop() {
      for (const stop of stops.toReversed()) await stop();
    },
  };
}

const portOf = (url: string): number => Number(new URL(url).port);
