import { resolve } from 'node:path';
import type { PlatformConfig } from '../config';
import type { PartName } from '../config/parts';
import { defined } from '../domain/defined';
import type { Child } from './child';
import { openDataDir } from './dataDir';
import { startDynamoDB } from './dynamodb';
import { StartError } from './errors';
import { startKinesis } from './kinesis';
import { startMqtt, startNodeServer, startS3 } from './nodeServer';
import type { Progress } from './progress';
import { holdTemporalPorts, startTemporal, type TemporalPorts, USUAL_TEMPORAL_PORT } from './temporal';
import { type FindTemporal, findTemporal, installedTemporal } from './temporalCli';

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
  /** Where Temporal is, once its server has bound its ports; or where it will be, when it has to be built first. */
  temporalAddress: Promise<StackParts['temporal']>;
  /** Once it serves. */
  temporal: Promise<StackParts['temporal']>;
  /** Stops what was started, last first, and gives the data folder back. */
  stop(): Promise<void>;
  /** Rejects when a part dies by itself. */
  broken: Promise<never>;
}

/** The model behind the embedded SageMaker endpoint. */
export interface LocalModel {
  path: string;
  endpointName: string;
  /** Further models, each under an endpoint name of its own. */
  more: readonly { endpoint: string; path: string }[];
}

export interface StackSettings {
  searchAttributes: Readonly<Record<string, string>>;
  /** Parts beside DynamoDB and Temporal that the capabilities use. */
  parts: readonly PartName[];
  /** What the embedded SageMaker endpoint serves. */
  model: LocalModel;
  /** The Kinesis streams to create. */
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
export function startStack(config: PlatformConfig, settings: StackSettings): Stack {
  const dir = openDataDir(config.LONGWATCH_DATA_DIR);
  const family = new Family();
  const start: PartStart = { config, settings, dataDir: dir.path, family };
  const dynamodb = config.DYNAMODB_ENDPOINT || config.LONGWATCH_AWS ? none() : embeddedDynamoDB(start);
  const embeds = (part: PartName, configured: string | undefined) =>
    settings.parts.includes(part) && !configured && !config.LONGWATCH_AWS;
  const sagemaker = embeds('sagemaker', config.SAGEMAKER_ENDPOINT) ? embeddedModel(start) : none();
  const kinesis = embeds('kinesis', config.KINESIS_ENDPOINT) ? embeddedKinesis(start) : none();
  const s3 = embeds('s3', config.S3_ENDPOINT) ? embeddedS3(start) : none();
  const mqtt = embeds('mqtt', config.MQTT_URL) ? embeddedMqtt(start) : none();
  const { address: temporalAddress, serving: temporal } = externalTemporal(config)
    ? { address: none(), serving: none() }
    : embeddedTemporal(start);
  // Awaited by the caller, in its order.
  const starts = Promise.allSettled([dynamodb, kinesis, s3, mqtt, sagemaker, temporal]);

  let stopped: Promise<void> | undefined;
  return {
    dataDir: dir.path,
    dynamodb,
    kinesis,
    s3,
    mqtt,
    sagemaker,
    temporalAddress,
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
  readonly adopt = (child: Child): void => {
    this.children.push(child);
    if (this.signal.aborted) void child.stop();
  };

  /** To be called once a part serves: from then on its end is the stack's. Until then its start tells what is wrong. */
  watch(name: string, child: Child): void {
    void child.ended.then((how) => {
      if (this.signal.aborted) return;
      this.breakStack(new StartError(`${name} stopped by itself (${how}). Its last lines:\n${child.lastLines()}`));
    });
  }

  /** Last first; each within its bound. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const child of this.children.toReversed()) await child.stop();
  }
}

interface PartStart {
  config: PlatformConfig;
  settings: StackSettings;
  dataDir: string;
  family: Family;
}

const none = async (): Promise<undefined> => undefined;

function externalTemporal(config: PlatformConfig): boolean {
  return config.TEMPORAL_ADDRESS !== undefined || config.TEMPORAL_PROFILE !== undefined;
}

/** Says that a part starts again on another port. */
const startsAgain =
  ({ settings: { progress } }: PartStart, part: string) =>
  () =>
    progress.stage(part, 'starting again: another process took its port');

async function embeddedDynamoDB(start: PartStart) {
  const { settings, dataDir, family } = start;
  const { progress, inMemory = false } = settings;
  progress.stage('DynamoDB', 'starting');
  const { engine, endpoint, child } = await startDynamoDB({
    dataDir,
    inMemory,
    onChild: family.adopt,
    onTaken: startsAgain(start, 'DynamoDB'),
  });
  family.watch('DynamoDB', child);
  progress.done('DynamoDB', `${engine} at ${endpoint}`);
  return { endpoint, engine };
}

/** Two shards, so that what holds for many is seen on every machine. */
const EMBEDDED_SHARDS = 2;

async function embeddedKinesis({ settings: { progress, streams, inMemory = false }, dataDir, family }: PartStart) {
  progress.stage('Kinesis', 'starting');
  const { endpoint, child } = await startKinesis({
    dataDir,
    inMemory,
    streams: streams.map((name) => ({ name, shards: EMBEDDED_SHARDS })),
    onChild: family.adopt,
  });
  family.watch('Kinesis', child);
  progress.done('Kinesis', `${endpoint}, streams ${streams.join(', ')}`);
  return { endpoint };
}

async function embeddedS3({ settings: { progress, inMemory = false }, dataDir, family }: PartStart) {
  progress.stage('S3', 'starting');
  const { endpoint, child } = await startS3({ dataDir, inMemory, onChild: family.adopt });
  family.watch('S3', child);
  progress.done('S3', endpoint);
  return { endpoint };
}

async function embeddedMqtt({ settings: { progress }, dataDir, family }: PartStart) {
  progress.stage('MQTT', 'starting');
  const { url, child } = await startMqtt({ dataDir, onChild: family.adopt });
  family.watch('The MQTT broker', child);
  progress.done('MQTT', url);
  return { url };
}

async function embeddedModel({ settings: { progress, model }, dataDir, family }: PartStart) {
  progress.stage('model', 'starting');
  const { port, child } = await startNodeServer({
    name: 'model',
    script: 'sagemaker/main',
    usualPort: 8080,
    args: [
      '--or-another',
      `--host=${LOCAL}`,
      `--model=${resolve(model.path)}`,
      `--endpoint=${model.endpointName}`,
      ...model.more.map(({ endpoint, path }) => `--also=${endpoint}=${resolve(path)}`),
    ],
    dataDir,
    log: 'model',
    onChild: family.adopt,
  });
  family.watch('The model', child);
  const endpoint = `http://${LOCAL}:${port}`;
  progress.done('model', `SageMaker endpoint at ${endpoint}`);
  return { endpoint };
}

/** Its server is started at once where it is installed. Where it must be built first, its ports are held meanwhile. */
function embeddedTemporal(start: PartStart): { address: Promise<TemporalPorts>; serving: Promise<TemporalPorts> } {
  const { config, settings, dataDir, family } = start;
  const { progress, searchAttributes, inMemory = false } = settings;
  progress.stage('Temporal', 'looking for its server');
  const find: FindTemporal = {
    ...(config.TEMPORAL_CLI_PATH && { cliPath: config.TEMPORAL_CLI_PATH }),
    onStage: (stage, detail) => progress.stage('Temporal', stage, detail),
    signal: family.signal,
  };
  let tell: (ports: TemporalPorts | Promise<TemporalPorts>) => void = () => undefined;
  const address = new Promise<TemporalPorts>((told) => (tell = told));
  const serving = (async () => {
    const wanted = {
      grpc: { port: USUAL_TEMPORAL_PORT },
      ui: { port: config.TEMPORAL_UI_PORT, only: settings.uiPortWanted && config.TEMPORAL_UI_PORT !== 0 },
    };
    const installed = installedTemporal(find).executable;
    const held = installed === undefined ? await holdTemporalPorts(wanted) : undefined;
    if (held) tell(held);
    const executable = installed ?? (await findTemporal(find));
    progress.stage('Temporal', 'starting');
    const codecEndpoint = await settings.codecEndpoint;
    const { child, ...ports } = await startTemporal({
      executable,
      dataDir,
      ports: held ?? wanted,
      namespace: config.TEMPORAL_NAMESPACE,
      searchAttributes,
      ...defined({ codecEndpoint }),
      inMemory,
      onChild: family.adopt,
      onBound: tell,
      onTaken: startsAgain(start, 'Temporal'),
    });
    family.watch('Temporal', child);
    progress.done('Temporal', `${ports.address}, Web UI at ${ports.uiUrl}`);
    return ports;
  })();
  // Nobody waits for the address of a server that does not come.
  address.catch(() => undefined);
  serving.catch(() => tell(serving));
  return { address, serving };
}
