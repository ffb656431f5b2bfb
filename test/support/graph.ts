import { join } from 'node:path';
import type { Express } from 'express';
import { pino } from 'pino';
import { createApp } from '../../src/api/app';
import { Authenticator, parseApiKeys } from '../../src/api/auth';
import { defined } from '../../src/domain/defined';
import { readConfig } from '../../src/graph/config';
import { selectCapabilities } from '../../src/graph/selectCapabilities';
import { DEFAULT_BUCKET, LOCAL_CREDENTIALS, streamsOf } from '../../src/config/endpoints';
import { combine } from '../../src/graph/combinedCapabilities';
import { buildGraph, type Graph } from '../../src/graph';
import type { GraphSettings } from '../../src/graph/settings';
import { type Misbehaviour, startEndpointServer } from '../../src/local/sagemaker/server';
import { REGION, startTestDynamoDB, type TestDynamoDB } from './dynamodb';
import { TEST_SECRET } from './secret';
import { startTcpProxy, type TcpProxy } from './tcpProxy';

const keys = {
  service: 'service-key-0123456789',
  ana: 'ana-key-0123456789',
  ben: 'ben-key-0123456789',
  eva: 'eva-key-0123456789',
  admin: 'admin-key-0123456789',
  ada: 'ada-key-0123456789',
};
export type Who = keyof typeof keys;
const roles: Record<Who, string> = {
  service: 'service',
  ana: 'investigator',
  ben: 'investigator',
  eva: 'supervisor',
  admin: 'admin',
  ada: 'customer',
};
const apiKeys = (Object.keys(keys) as Who[]).map((who) => `${who}:${roles[who]}:${keys[who]}`).join(',');
export const bearer = (who: Who): [string, string] => ['authorization', `Bearer ${keys[who]}`];

export interface TestGraph extends Graph {
  app: Express;
  dynamodb: TestDynamoDB;
  /** Where other processes of the same Longwatch find its parts. */
  environment: Record<string, string>;
  /** Calls to DynamoDB by operation since the last time. */
  callsOf(work: () => PromiseLike<unknown>): Promise<Record<string, number>>;
  /** Between us and DynamoDB. */
  wire: TcpProxy;
  /** What the model's endpoint does wrong from now on. */
  model: { behaviour: Misbehaviour | undefined; requests: number };
  stop(): Promise<void>;
}

/** Nobody listens there: Temporal is away. */
export const NOWHERE = '127.0.0.1:1';

/**
 * The whole object graph in this process, on an embedded DynamoDB and the model's endpoint, each its own; without
 * workers. Deadlines are long unless a test shortens them, because shared machines stall.
 */
export async function startTestGraph(
  env: Record<string, string> = {},
  temporalAddress = NOWHERE,
  { attemptMs, capabilities }: Pick<GraphSettings, 'attemptMs' | 'capabilities'> = {},
): Promise<TestGraph> {
  const model: TestGraph['model'] = { behaviour: undefined, requests: 0 };
  const config = readConfig(
    {
      LONGWATCH_MODEL_DEADLINE_MS: '10000',
      LONGWATCH_DECISION_DEADLINE_MS: '20000',
      SAGEMAKER_ENDPOINT_NAME: 'fraud-model',
      LONGWATCH_TABLE_PREFIX: 'test-',
      LONGWATCH_LOG_LEVEL: 'silent',
      AWS_REGION: REGION,
      ...env,
    },
    undefined,
    capabilities,
  );
  const { needs, tables } = combine(capabilities ?? selectCapabilities(config.LONGWATCH_CAPABILITIES));
  const [dynamodb, endpoint] = await Promise.all([
    startTestDynamoDB(undefined, tables),
    startEndpointServer({
      modelPath: join(__dirname, '..', '..', 'model', 'fraud.json'),
      host: '127.0.0.1',
      port: 0,
      endpointName: 'fraud-model',
      more: Object.fromEntries((config.LONGWATCH_LOCAL_MODELS ?? []).map(({ endpoint: name, path }) => [name, path])),
      behaviour: () => {
        model.requests++;
        return model.behaviour;
      },
    }),
  ]);
  const wire = await startTcpProxy(Number(new URL(dynamodb.endpoint).port));
  const graph = buildGraph({
    config,
    endpoints: {
      dynamodb: { endpoint: `http://${wire.address}`, credentials: LOCAL_CREDENTIALS },
      sagemaker: { endpoint: endpoint.url, credentials: LOCAL_CREDENTIALS },
      ...(config.KINESIS_ENDPOINT && {
        kinesis: {
          streams: streamsOf(config, needs, 'nothing'),
          endpoint: config.KINESIS_ENDPOINT,
          credentials: LOCAL_CREDENTIALS,
        },
      }),
      ...(config.S3_ENDPOINT && {
        s3: {
          bucket: config.LONGWATCH_ARCHIVE_BUCKET ?? DEFAULT_BUCKET,
          endpoint: config.S3_ENDPOINT,
          credentials: LOCAL_CREDENTIALS,
        },
      }),
      ...(config.MQTT_URL && { mqtt: { url: config.MQTT_URL } }),
      temporal: { address: temporalAddress },
    },
    signingSecret: TEST_SECRET,
    publicUrl: () => 'http://longwatch.test',
    ...defined({ attemptMs, capabilities }),
  });
  await graph.prepareStores();
  await graph.load();
  const app = createApp({
    routes: graph.routes,
    authenticator: new Authenticator(parseApiKeys(apiKeys)),
    logger: pino({ level: 'silent' }),
    registry: graph.metrics.registry,
    watch: graph.metrics.http,
    readiness: () => graph.readiness('elsewhere'),
    version: 'test',
  });
  return Object.assign(graph, {
    app,
    dynamodb,
    environment: {
      DYNAMODB_ENDPOINT: dynamodb.endpoint,
      SAGEMAKER_ENDPOINT: endpoint.url,
      SAGEMAKER_ENDPOINT_NAME: config.SAGEMAKER_ENDPOINT_NAME,
      TEMPORAL_ADDRESS: temporalAddress,
      LONGWATCH_TABLE_PREFIX: config.LONGWATCH_TABLE_PREFIX,
      LONGWATCH_SIGNING_SECRET: TEST_SECRET,
      LONGWATCH_API_KEYS: apiKeys,
      AWS_REGION: REGION,
      ...env,
    },
    wire,
    model,
    async callsOf(work: () => PromiseLike<unknown>) {
      const before = await storeCalls(graph);
      await work();
      const after = await storeCalls(graph);
      return Object.fromEntries(
        Object.entries(after)
          .map(([name, count]) => [name, count - (before[name] ?? 0)])
          .filter(([, count]) => count),
      );
    },
    async stop() {
      await graph.close();
      await wire.close();
      await endpoint.close();
      await dynamodb.stop();
    },
  });
}

/** As the metrics count them; the look for new rules, which comes by itself, left out. */
async function storeCalls({ metrics }: Graph): Promise<Record<string, number>> {
  const { values } = await metrics.registry.getSingleMetric('longwatch_dynamodb_call_seconds')!.get();
  const counts = values.filter(
    (value) =>
      (value as { metricName?: string }).metricName?.endsWith('_count') && value.labels['operation'] !== 'GetItem',
  );
  const byOperation: Record<string, number> = {};
  for (const { labels, value } of counts)
    byOperation[String(labels['operation'])] = (byOperation[String(labels['operation'])] ?? 0) + value;
  return byOperation;
}
