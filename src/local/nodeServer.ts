import { join } from 'node:path';
import { defined } from '../domain/defined';
import { type Child, startChild } from './child';
import { StartError } from './errors';
import { waitUntil } from './ports';
import { LISTENING } from './serverProcess';

export interface NodeServerStart {
  /** For messages. */
  name: string;
  /** File of this folder, without its ending; takes `--port`, and says which port it has. */
  script: 'kinesisServer' | 's3Server' | 'mqttServer' | 'sagemaker/main';
  /** Another one when it is taken. */
  usualPort: number;
  /** The optional package that it is made of, and the setting that names another server. */
  needs?: { package: string; or: string };
  args?: readonly string[];
  /** Where the log is kept, by this name. */
  dataDir: string;
  log: string;
  /** Told of the process as soon as there is one. */
  onChild?: (child: Child) => void;
}

const UP_WITHIN_MS = 60_000;

/**
 * Starts a server of this folder as a process of its own. It chooses its port by binding it, so nobody can take that
 * port in between.
 * @throws StartError when it does not come up, or its package is not installed.
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
    cwd: join(__dirname, '..', '..'), // From where tsx is found.
    logFile: join(dataDir, 'logs', `${log}.log`),
  });
  onChild?.(child);
  let port: string | undefined;
  const listens = async () => (port = LISTENING.exec(child.lastLines())?.[1]) !== undefined;
  if (await waitUntil(listens, child.hasEnded, UP_WITHIN_MS)) return { port: Number(port), child };
  await child.stop();
  throw new StartError(`The embedded ${name} did not start. Its last lines:\n${child.lastLines()}`);
}

/** Production images leave optional packages out (`npm ci --omit=optional`). */
function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch (error) {
    // An ES module cannot be required, and is there.
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND';
  }
}

export interface EmbeddedStart {
  dataDir: string;
  inMemory?: boolean;
  onChild?: (child: Child) => void;
}

/** The embedded S3. @throws StartError */
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

/** The embedded MQTT broker. @throws StartError */
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
