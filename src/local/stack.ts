import { join, resolve } from 'node:path';
import type { Config } from '../config';
import { type Child, startChild } from './child';
import { openDataDir } from './dataDir';
import { startDynamoDB } from './dynamodb';
import { StartError } from './errors';
import { freePort, waitForPort } from './ports';
import type { Progress } from './progress';
import { startTemporal } from './temporal';
import { findTemporal } from './temporalCli';

export interface StackParts {
  dynamodb?: { endpoint: string; engine: string };
  sagemaker?: { endpoint: string };
  temporal?: { address: string; uiUrl: string };
}

/** The parts that are started here rather than found by configuration, in the order in which they become ready. */
export interface Stack {
  dataDir: string;
  dynamodb: Promise<StackParts['dynamodb']>;
  sagemaker: Promise<StackParts['sagemaker']>;
  temporal: Promise<StackParts['temporal']>;
  /** Stops what was started, last first, and gives the data folder back. */
  stop(): Promise<void>;
  /** Rejects when a part dies by itself. */
  broken: Promise<never>;
}

export interface StackSettings {
  searchAttributes: Readonly<Record<string, string>>;
  modelPath: string;
  progress: Progress;
  /** Whether the Web UI's port was asked for, so that another one would not do. */
  uiPortWanted: boolean;
  inMemory?: boolean;
}

const LOCAL = '127.0.0.1';

/**
 * Starts what has no endpoint configured, all at once: nothing waits for Temporal's build.
 * @throws StartError
 */
export function startStack(config: Config, settings: StackSettings): Stack {
  const dir = openDataDir(config.LONGWATCH_DATA_DIR);
  const children: { name: string; child: Child }[] = [];
  let stopping = false;
  let breakStack: (error: Error) => void = () => undefined;
  const broken = new Promise<never>((_resolve, reject) => (breakStack = reject));
  broken.catch(() => undefined); // Whoever cares has a handler of their own.

  const adopt = async (name: string, child: Child): Promise<void> => {
    children.push({ name, child });
    if (stopping) await child.stop();
    void child.ended.then((how) => {
      if (!stopping) breakStack(new StartError(`${name} stopped by itself (${how}). Its last lines:\n${child.lastLines()}`));
    });
  };

  const dynamodb = config.DYNAMODB_ENDPOINT || config.LONGWATCH_AWS ? none() : embeddedDynamoDB(dir.path, settings, adopt);
  const sagemaker = config.SAGEMAKER_ENDPOINT || config.LONGWATCH_AWS ? none() : embeddedModel(config, dir.path, settings, adopt);
  const temporal = externalTemporal(config) ? none() : embeddedTemporal(config, dir.path, settings, adopt);
  for (const part of [dynamodb, sagemaker, temporal]) part.catch(() => undefined); // Awaited by the caller, in its order.

  return {
    dataDir: dir.path,
    dynamodb,
    sagemaker,
    temporal,
    broken,
    async stop() {
      stopping = true;
      for (const { child } of children.toReversed()) await child.stop();
      dir.release();
    },
  };
}

const none = async (): Promise<undefined> => undefined;

function externalTemporal(config: Config): boolean {
  return config.TEMPORAL_ADDRESS !== undefined || config.TEMPORAL_PROFILE !== undefined;
}

type Adopt = (name: string, child: Child) => Promise<void>;

async function embeddedDynamoDB(dataDir: string, { progress, inMemory }: StackSettings, adopt: Adopt) {
  progress.stage('DynamoDB', 'starting');
  const { engine, endpoint, child } = await startDynamoDB({ dataDir, ...(inMemory && { inMemory }) });
  await adopt('DynamoDB', child);
  progress.done('DynamoDB', `${engine} at ${endpoint}`);
  return { endpoint, engine };
}

async function embeddedModel(config: Config, dataDir: string, { progress, modelPath }: StackSettings, adopt: Adopt) {
  progress.stage('model', 'starting');
  const port = await freePort(8080);
  const compiled = __filename.endsWith('.js');
  const child = startChild({
    name: 'model',
    command: process.execPath,
    args: [
      ...(compiled ? [] : ['--import', 'tsx']),
      join(__dirname, 'sagemaker', compiled ? 'main.js' : 'main.ts'),
      ...['--host', LOCAL, '--port', String(port), '--model', resolve(modelPath), '--endpoint', config.SAGEMAKER_ENDPOINT_NAME],
    ],
    logFile: join(dataDir, 'logs', 'model.log'),
  });
  await adopt('model', child);
  if (!(await waitForPort(port, () => child.hasEnded())))
    throw new StartError(`The model's endpoint did not start. Its last lines:\n${child.lastLines()}`);
  const endpoint = `http://${LOCAL}:${port}`;
  progress.done('model', `SageMaker endpoint at ${endpoint}`);
  return { endpoint };
}

async function embeddedTemporal(config: Config, dataDir: string, settings: StackSettings, adopt: Adopt) {
  const { progress } = settings;
  progress.stage('Temporal', 'looking for its server');
  const executable = await findTemporal({
    ...(config.TEMPORAL_CLI_PATH && { cliPath: config.TEMPORAL_CLI_PATH }),
    onStage: (stage) => progress.stage('Temporal', stage),
  });
  progress.stage('Temporal', 'starting');
  const { address, uiUrl, child } = await startTemporal({
    executable,
    dataDir,
    uiPort: config.TEMPORAL_UI_PORT,
    uiPortWanted: settings.uiPortWanted,
    namespace: config.TEMPORAL_NAMESPACE,
    searchAttributes: settings.searchAttributes,
    ...(settings.inMemory && { inMemory: true }),
  });
  await adopt('Temporal', child);
  progress.done('Temporal', `${address}, Web UI at ${uiUrl}`);
  return { address, uiUrl };
}
