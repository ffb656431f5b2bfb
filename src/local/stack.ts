import { resolve } from 'node:path';
import type { PlatformConfig } from '../config';
import type { ServiceName } from '../config/services';
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

/** Addresses of the embedded services. */
export interface StackParts {
  dynamodb?: { endpoint: string; engine: string };
  kinesis?: { endpoint: string };
  s3?: { endpoint: string };
  mqtt?: { url: string };
  sagemaker?: { endpoint: string };
  temporal?: { address: string; uiUrl: string };
}

/**
 * The embedded services. Each promise resolves when its service is ready, and to undefined if the service is not
 * embedded.
 */
export interface Stack {
  dataDir: string;
  dynamodb: Promise<StackParts['dynamodb']>;
  kinesis: Promise<StackParts['kinesis']>;
  s3: Promise<StackParts['s3']>;
  mqtt: Promise<StackParts['mqtt']>;
  sagemaker: Promise<StackParts['sagemaker']>;
  /**
   * Temporal's address once its server has bound its ports. If the server must be built first, the reserved address.
   */
  temporalAddress: Promise<StackParts['temporal']>;
  /** Resolves when Temporal serves. */
  temporal: Promise<StackParts['temporal']>;
  /** Stops the services in reverse order of their start and releases the data folder. */
  stop(): Promise<void>;
  /** Rejects when a service stops unexpectedly. */
  broken: Promise<never>;
}

/** The models of the embedded SageMaker endpoint. */
export interface LocalModel {
  path: string;
  endpointName: string;
  /** Further models, each with its own endpoint name. */
  more: readonly { endpoint: string; path: string }[];
}

/** What to embed. */
export interface StackSettings {
  searchAttributes: Readonly<Record<string, string>>;
  /** Services besides DynamoDB and Temporal that the capabilities use. */
  parts: readonly ServiceName[];
  /** The models that the embedded SageMaker endpoint serves. */
  model: LocalModel;
  /** Names of the Kinesis streams to create. */
  streams: readonly string[];
  progress: Progress;
  /** Whether the user set the Web UI's port, so that no other port may be used. */
  uiPortWanted: boolean;
  /** Endpoint at which the Web UI decrypts payloads. */
  codecEndpoint?: Promise<string | undefined>;
  inMemory?: boolean;
}

const LOCAL = '127.0.0.1';

/**
 * Starts all services at once that have no endpoint configured. No service waits for Temporal's build.
 * @throws StartError if the data folder cannot be opened; the start of a service rejects its promise
 */
export function startStack(config: PlatformConfig, settings: StackSettings): Stack {
  const dir = openDataDir(config.LONGWATCH_DATA_DIR);
  const children = new ChildProcesses();
  const start: PartStart = { config, settings, dataDir: dir.path, children };
  const dynamodb = config.DYNAMODB_ENDPOINT || config.LONGWATCH_AWS ? none() : embeddedDynamoDB(start);
  const embeds = (part: ServiceName, configured: string | undefined) =>
    settings.parts.includes(part) && !configured && !config.LONGWATCH_AWS;
  const sagemaker = embeds('sagemaker', config.SAGEMAKER_ENDPOINT) ? embeddedModel(start) : none();
  const kinesis = embeds('kinesis', config.KINESIS_ENDPOINT) ? embeddedKinesis(start) : none();
  const s3 = embeds('s3', config.S3_ENDPOINT) ? embeddedS3(start) : none();
  const mqtt = embeds('mqtt', config.MQTT_URL) ? embeddedMqtt(start) : none();
  const { address: temporalAddress, serving: temporal } = externalTemporal(config)
    ? { address: none(), serving: none() }
    : embeddedTemporal(start);
  // The caller awaits the promises one after another. This handles a rejection that comes before the caller awaits it.
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
    broken: children.broken,
    stop() {
      stopped ??= (async () => {
        await children.stop();
        // A service that is still starting notices the stop and ends. Until then it may use the data folder.
        await starts;
        dir.release();
      })();
      return stopped;
    },
  };
}

/** The child processes of a stack. */
class ChildProcesses {
  readonly broken: Promise<never>;
  private readonly children: Child[] = [];
  private readonly stopping = new AbortController();
  private breakStack: (error: Error) => void = () => undefined;

  constructor() {
    this.broken = new Promise<never>((_resolve, reject) => (this.breakStack = reject));
    this.broken.catch(() => undefined); // Prevents an unhandled rejection if no caller has attached a handler.
  }

  /** Aborted when the stack stops. */
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  /** Registers a process as soon as it exists, so that a stop during its start also stops it. */
  readonly adopt = (child: Child): void => {
    this.children.push(child);
    if (this.signal.aborted) void child.stop();
  };

  /**
   * Called when a service serves: from then on its unexpected end breaks the stack. Before that, the start of the
   * service reports its failure.
   */
  watch(name: string, child: Child): void {
    void child.ended.then((how) => {
      if (this.signal.aborted) return;
      this.breakStack(new StartError(`${name} stopped unexpectedly (${how}). Its last lines:\n${child.lastLines()}`));
    });
  }

  /** Stops the processes at once, each with its own time limit. None of them calls another. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.children.map((child) => child.stop()));
  }
}

interface PartStart {
  config: PlatformConfig;
  settings: StackSettings;
  dataDir: string;
  children: ChildProcesses;
}

const none = async (): Promise<undefined> => undefined;

function externalTemporal(config: PlatformConfig): boolean {
  return config.TEMPORAL_ADDRESS !== undefined || config.TEMPORAL_PROFILE !== undefined;
}

/** Shows that a service starts again on another port. */
const startsAgain =
  ({ settings: { progress } }: PartStart, part: string) =>
  () =>
    progress.stage(part, 'restarting: another process took its port');

async function embeddedDynamoDB(start: PartStart) {
  const { settings, dataDir, children } = start;
  const { progress, inMemory = false } = settings;
  progress.stage('DynamoDB', 'starting');
  const { engine, endpoint, child } = await startDynamoDB({
    dataDir,
    inMemory,
    onChild: children.adopt,
    onTaken: startsAgain(start, 'DynamoDB'),
  });
  children.watch('DynamoDB', child);
  progress.done('DynamoDB', `${engine} at ${endpoint}`);
  return { endpoint, engine };
}

/** Shards per embedded stream. There are two, so that code that fails with several shards fails on every machine. */
const EMBEDDED_SHARDS = 2;

async function embeddedKinesis({ settings: { progress, streams, inMemory = false }, dataDir, children }: PartStart) {
  progress.stage('Kinesis', 'starting');
  const { endpoint, child } = await startKinesis({
    dataDir,
    inMemory,
    streams: streams.map((name) => ({ name, shards: EMBEDDED_SHARDS })),
    onChild: children.adopt,
  });
  children.watch('Kinesis', child);
  progress.done('Kinesis', `${endpoint}, streams ${streams.join(', ')}`);
  return { endpoint };
}

async function embeddedS3({ settings: { progress, inMemory = false }, dataDir, children }: PartStart) {
  progress.stage('S3', 'starting');
  const { endpoint, child } = await startS3({ dataDir, inMemory, onChild: children.adopt });
  children.watch('S3', child);
  progress.done('S3', endpoint);
  return { endpoint };
}

async function embeddedMqtt({ settings: { progress }, dataDir, children }: PartStart) {
  progress.stage('MQTT', 'starting');
  const { url, child } = await startMqtt({ dataDir, onChild: children.adopt });
  children.watch('The MQTT broker', child);
  progress.done('MQTT', url);
  return { url };
}

async function embeddedModel({ settings: { progress, model }, dataDir, children }: PartStart) {
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
    onChild: children.adopt,
  });
  children.watch('The model', child);
  const endpoint = `http://${LOCAL}:${port}`;
  progress.done('model', `SageMaker endpoint at ${endpoint}`);
  return { endpoint };
}

/**
 * Starts Temporal at once if its server is installed. If the server must be built first, reserves its ports meanwhile.
 */
function embeddedTemporal(start: PartStart): { address: Promise<TemporalPorts>; serving: Promise<TemporalPorts> } {
  const { config, settings, dataDir, children } = start;
  const { progress, searchAttributes, inMemory = false } = settings;
  progress.stage('Temporal', 'looking for the server');
  const find: FindTemporal = {
    ...(config.TEMPORAL_CLI_PATH && { cliPath: config.TEMPORAL_CLI_PATH }),
    onStage: (stage, detail) => progress.stage('Temporal', stage, detail),
    signal: children.signal,
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
      onChild: children.adopt,
      onBound: tell,
      onTaken: startsAgain(start, 'Temporal'),
    });
    children.watch('Temporal', child);
    progress.done('Temporal', `${ports.address}, Web UI at ${ports.uiUrl}`);
    return ports;
  })();
  // If the server does not start, possibly no caller awaits the address; avoid an unhandled rejection.
  address.catch(() => undefined);
  serving.catch(() => tell(serving));
  return { address, serving };
}
