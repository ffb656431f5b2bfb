import { join } from 'node:path';
import { defined } from '../domain/defined';
import { type Child, startChild } from './child';
import { StartError } from './errors';
import { waitUntil } from './ports';
import { LISTENING } from './serverProcess';

/** How to start a server of this folder. */
export interface NodeServerStart {
  /** Name in messages. */
  name: string;
  /** File of this folder without its extension. It accepts `--port` and prints the port that it uses. */
  script: 'kinesisServer' | 's3Server' | 'mqttServer' | 'sagemaker/main';
  /** Preferred port. If it is taken, the server uses another one. */
  usualPort: number;
  /** The optional package that implements the server, and the setting for an external server. */
  needs?: { package: string; or: string };
  args?: readonly string[];
  /** Folder of the log, and the log's name. */
  dataDir: string;
  log: string;
  /** Called with the process as soon as it is started. */
  onChild?: (child: Child) => void;
}

const UP_WITHIN_MS = 60_000;

/**
 * Starts a server of this folder as a process. The server chooses its port by binding it, so no other process can take
 * that port in between.
 * @throws StartError if the server does not start within 60 s, or its package is not installed
 */
export async function startNodeServer({
  name,
  script,
  usualPort,
  needs,
  args = [],
  dataDir,
  log,
  onChild,
}: NodeServerStart): Promise<{ port: number; child: Child }> {
  if (needs && !isInstalled(needs.package))
    throw new StartError(
      `The embedded ${name} needs the package ${needs.package}, which this installation leaves out. Install it ` +
        `with npm ci --omit=dev, or set ${needs.or}`,
    );
  const compiled = __filename.endsWith('.js');
  const child = startChild({
    name: script,
    command: process.execPath,
    args: [
      ...(compiled ? [] : ['--import', 'tsx']),
      join(__dirname, script + (compiled ? '.js' : '.ts')),
      `--port=${usualPort}`,
      ...args,
    ],
    cwd: join(__dirname, '..', '..'), // tsx is resolved from this folder.
    logFile: join(dataDir, 'logs', `${log}.log`),
  });
  onChild?.(child);
  let port: string | undefined;
  const listens = async () => (port = LISTENING.exec(child.lastLines())?.[1]) !== undefined;
  if (await waitUntil(listens, child.hasEnded, UP_WITHIN_MS)) return { port: Number(port), child };
  await child.stop();
  throw new StartError(`The embedded ${name} did not start. Its last lines:\n${child.lastLines()}`);
}

/** Returns whether a package is installed. Production images leave out optional packages (`npm ci --omit=optional`). */
function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch (error) {
    // An installed ES module fails with another code, because it cannot be required.
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND';
  }
}

/** How to start an embedded S3 or MQTT broker. */
export interface EmbeddedStart {
  dataDir: string;
  inMemory?: boolean;
  onChild?: (child: Child) => void;
}

/** Starts the embedded S3. @throws StartError as {@link startNodeServer} */
export async function startS3({
  dataDir,
  inMemory = false,
  onChild,
}: EmbeddedStart): Promise<{ endpoint: string; child: Child }> {
  const args = inMemory ? [] : [`--path=${join(dataDir, 's3')}`];
  const { port, child } = await startNodeServer({
    name: 'S3',
    script: 's3Server',
    usualPort: 4568,
    needs: { package: 's3rver', or: 'S3_ENDPOINT' },
    args,
    dataDir,
    log: 's3Server',
    ...defined({ onChild }),
  });
  return { endpoint: `http://127.0.0.1:${port}`, child };
}

/** Starts the embedded MQTT broker. @throws StartError as {@link startNodeServer} */
export async function startMqtt({ dataDir, onChild }: EmbeddedStart): Promise<{ url: string; child: Child }> {
  const { port, child } = await startNodeServer({
    name: 'MQTT broker',
    script: 'mqttServer',
    usualPort: 1883,
    needs: { package: 'aedes', or: 'MQTT_URL' },
    dataDir,
    log: 'mqttServer',
    ...defined({ onChild }),
  });
  return { url: `mqtt://127.0.0.1:${port}`, child };
}
