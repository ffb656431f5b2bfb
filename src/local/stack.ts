import { join, resolve } from 'node:path';
import type { Config } from '../config';
import { type Child, startChild } from './child';
import { openDataDir } from './dataDir';
import { startDynamoDB } from './dynamodb';
import { StartError } from './errors';
import { startKinesis } from './kinesis';
import { startMqtt, startS3 } from './nodeServer';
import { claimPort, waitForPort } from './ports';
import type { Progress } from './progress';
import { claimTemporalPorts, startTemporal, type TemporalPorts } from './temporal';
import { findTemporal } from './temporalCli';

export interface StackParts {
  dynamodb?: { endpoint: string; engine: string };
  kinesis?: { endpoint: string };
  s3?: { endpoint: string };
  mqtt?: { url: string };
  sagemaker?: { endpoint: string };
  temporal?: { address: string; uiUrl: string };
}

/** The parts that are started here rather than found by configuration, in the order in which they become ready. */
export interface Stack {
  dataDir: string;
  dynamodb: Promise<StackParts['dynamodb']>;
  kinesis: Promise<StackParts['kinesis']>;
  s3: Promise<StackParts['s3']>;
  mqtt: Promise<StackParts['mqtt']>;
  sagemaker: Promise<StackParts['sagemaker']>;
  /** Where Temporal is, or will be: it may have to be built first. */
  temporalAddress: Promise<StackParts['temporal']>;
  /** Once it serves. */
  temporal: Promise<StackParts['temporal']>;
  /** Stops what was started, last first, and gives the data folder back. */
  stop(): Promise<void>;
  /** Rejects when a part dies by itself. */
  broken: Promise<never>;
}

export interface StackSettings {
  searchAttributes: Readonly<Record<string, string>>;
  modelPath: string;
  /** The Kinesis streams to make. */
  streams: readonly string[];
  progress: Progress;
  /** Whether the Web UI's port was asked for, so that another one would not do. */
  uiPortWanted: boolean;
  /** Where the Web UI has payloads decrypted. */
  codecEndpoint?: Promise<string | undefined>;
  inMemory?: boolean;
}

const LOCAL = '127.0.0.1';

/**
 * Starts what has no endpoint configured, all at once: nothing waits for Temporal's build.
 * @throws StartError
 */
export function startStack(config: Config, settings: StackSettings): Stack {
  const dir = openDataDir(config.LONGWATCH_DATA_DIR);
  const family = new Family();
  const start: PartStart = { config, settings, dataDir: dir.path, family };
  const dynamodb = config.DYNAMODB_ENDPOINT || config.LONGWATCH_AWS ? none() : embeddedDynamoDB(start);
  const sagemaker = config.SAGEMAKER_ENDPOINT || config.LONGWATCH_AWS ? none() : embeddedModel(start);
  const kinesis = config.KINESIS_ENDPOINT || config.LONGWATCH_AWS ? none() : embeddedKinesis(start);
  const s3 = config.S3_ENDPOINT || config.LONGWATCH_AWS ? none() : embeddedS3(start);
  const mqtt = config.MQTT_URL || config.LONGWATCH_AWS ? none() : embeddedMqtt(start);
  const ports = externalTemporal(config) ? none() : claimTemporalPorts(config.TEMPORAL_UI_PORT, settings.uiPortWanted);
  const temporal = ports.then((claimed) => claimed && embeddedTemporal(start, claimed));
  const starts = Promise.allSettled([dynamodb, kinesis, s3, mqtt, sagemaker, temporal]); // Awaited by the caller, in its order.

  let stopped: Promise<void> | undefined;
  return {
    dataDir: dir.path,
    dynamodb,
    kinesis,
    s3,
    mqtt,
    sagemaker,
    temporalAddress: ports,
    temporal,
    broken: family.broken,
    stop() {
      stopped ??= (async () => {
        await family.stop();
        await starts; // A start under way notices and ends; until then the folder is not free.
        dir.release();
      })();
      return stopped;
    },
  };
}

/** The processes of a stack. */
class Family {
  readonly broken: Promise<never>;
  private readonly children: Child[] = [];
  private readonly stopping = new AbortController();
  private breakStack: (error: Error) => void = () => undefined;

  constructor() {
    this.broken = new Promise<never>((_resolve, reject) => (this.breakStack = reject));
    this.broken.catch(() => undefined); // Whoever cares has a handler of their own.
  }

  /** Aborted when the stack stops. */
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  /** To be called with a part's process at once, so that a stop during its start finds it. */
  adopt(name: string): (child: Child) => void {
    return (child) => {
      this.children.push(child);
      if (this.signal.aborted) void child.stop();
      void child.ended.then((how) => {
        if (this.signal.aborted) return;
        this.breakStack(new StartError(`${name} stopped by itself (${how}). Its last lines:\n${child.lastLines()}`));
      });
    };
  }

  /** Last first; each within its bound. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const child of this.children.toReversed()) await child.stop();
  }
}

interface PartStart {
  config: Config;
  settings: StackSettings;
  dataDir: string;
  family: Family;
}

const none = async (): Promise<undefined> => undefined;

function externalTemporal(config: Config): boolean {
  return config.TEMPORAL_ADDRESS !== undefined || config.TEMPORAL_PROFILE !== undefined;
}

async function embeddedDynamoDB({ settings: { progress, inMemory = false }, dataDir, family }: PartStart) {
  progress.stage('DynamoDB', 'starting');
  const { engine, endpoint } = await startDynamoDB({ dataDir, inMemory, onChild: family.adopt('DynamoDB') });
  progress.done('DynamoDB', `${engine} at ${endpoint}`);
  return { endpoint, engine };
}

/** Two shards, so that what holds for many is seen on every machine. */
const EMBEDDED_SHARDS = 2;

async function embeddedKinesis({ settings: { progress, streams, inMemory = false }, dataDir, family }: PartStart) {
  progress.stage('Kinesis', 'starting');
  const { endpoint } = await startKinesis({
    dataDir,
    inMemory,
    streams: streams.map((name) => ({ name, shards: EMBEDDED_SHARDS })),
    onChild: family.adopt('Kinesis'),
  });
  progress.done('Kinesis', `${endpoint}, streams ${streams.join(', ')}`);
  return { endpoint };
}

async function embeddedS3({ settings: { progress, inMemory = false }, dataDir, family }: PartStart) {
  progress.stage('S3', 'starting');
  const { endpoint } = await startS3({ dataDir, inMemory, onChild: family.adopt('S3') });
  progress.done('S3', endpoint);
  return { endpoint };
}

async function embeddedMqtt({ settings: { progress }, dataDir, family }: PartStart) {
  progress.stage('MQTT', 'starting');
  const { url } = await startMqtt({ dataDir, onChild: family.adopt('The MQTT broker') });
  progress.done('MQTT', url);
  return { url };
}

async function embeddedModel({ config, settings: { progress, modelPath }, dataDir, family }: PartStart) {
  progress.stage('model', 'starting');
  const { port, release } = await claimPort(8080);
  const compiled = __filename.endsWith('.js');
  const child = startChild({
    name: 'model',
    command: process.execPath,
    args: [
      ...(compiled ? [] : ['--import', 'tsx']),
      join(__dirname, 'sagemaker', compiled ? 'main.js' : 'main.ts'),
      `--host=${LOCAL}`,
      `--port=${port}`,
      `--model=${resolve(modelPath)}`,
      `--endpoint=${config.SAGEMAKER_ENDPOINT_NAME}`,
      ...config.LONGWATCH_LOCAL_MODELS.map(({ endpoint, path }) => `--also=${endpoint}=${resolve(path)}`),
    ],
    cwd: join(__dirname, '..', '..'), // From where tsx is found.
    logFile: join(dataDir, 'logs', 'model.log'),
  });
  void child.ended.then(release);
  family.adopt('The model')(child);
  if (!(await waitForPort(port, child.hasEnded))) {
    const lines = child.lastLines();
    await child.stop();
    throw new StartError(`The model's endpoint did not start. Its last lines:\n${lines}`);
  }
  const endpoint = `http://${LOCAL}:${port}`;
  progress.done('model', `SageMaker endpoint at ${endpoint}`);
  return { endpoint };
}

async function embeddedTemporal({ config, settings, dataDir, family }: PartStart, ports: TemporalPorts) {
  const { progress, searchAttributes, inMemory = false } = settings;
  progress.stage('Temporal', 'looking for its server');
  const executable = await findTemporal({
    ...(config.TEMPORAL_CLI_PATH && { cliPath: config.TEMPORAL_CLI_PATH }),
    onStage: (stage, detail) => progress.stage('Temporal', stage, detail),
    signal: family.signal,
  });
  progress.stage('Temporal', 'starting');
  const codecEndpoint = await settings.codecEndpoint;
  await startTemporal({
    executable,
    dataDir,
    ports,
    namespace: config.TEMPORAL_NAMESPACE,
    searchAttributes,
    ...(codecEndpoint !== undefined && { codecEndpoint }),
    inMemory,
    onChild: family.adopt('Temporal'),
  });
  progress.done('Temporal', `${ports.address}, Web UI at ${ports.uiUrl}`);
  return ports;
}
