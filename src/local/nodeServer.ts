import { join } from 'node:path';
import { type Child, startChild } from './child';
import { StartError } from './errors';
import { claimPort, waitForPort } from './ports';

export interface NodeServerStart {
  /** For messages and the log. */
  name: string;
  /** File of this folder, without its ending; takes `--port`. */
  script: 's3Server' | 'mqttServer';
  usualPort: number;
  args?: readonly string[];
  /** Where the log is kept. */
  dataDir: string;
  /** Told of the process as soon as there is one. */
  onChild?: (child: Child) => void;
}

/**
 * Starts a server of this folder as a process of its own.
 * @throws StartError when it does not come up.
 */
async function startNodeServer({ name, script, usualPort, args = [], dataDir, onChild }: NodeServerStart): Promise<{ port: number; child: Child }> {
  const { port, release } = await claimPort(usualPort);
  const compiled = __filename.endsWith('.js');
  const child = startChild({
    name: script,
    command: process.execPath,
    args: [...(compiled ? [] : ['--import', 'tsx']), join(__dirname, script + (compiled ? '.js' : '.ts')), `--port=${port}`, ...args],
    cwd: join(__dirname, '..', '..'), // From where tsx is found.
    logFile: join(dataDir, 'logs', `${script}.log`),
  });
  void child.ended.then(release);
  onChild?.(child);
  if (await waitForPort(port, child.hasEnded)) return { port, child };
  const lines = child.lastLines();
  await child.stop();
  throw new StartError(`The embedded ${name} did not start. Its last lines:\n${lines}`);
}

export interface EmbeddedStart {
  dataDir: string;
  inMemory?: boolean;
  onChild?: (child: Child) => void;
}

/** The embedded S3. @throws StartError */
export async function startS3({ dataDir, inMemory = false, onChild }: EmbeddedStart): Promise<{ endpoint: string; child: Child }> {
  const args = inMemory ? [] : [`--path=${join(dataDir, 's3')}`];
  const { port, child } = await startNodeServer({ name: 'S3', script: 's3Server', usualPort: 4568, args, dataDir, ...(onChild && { onChild }) });
  return { endpoint: `http://127.0.0.1:${port}`, child };
}

/** The embedded MQTT broker. @throws StartError */
export async function startMqtt({ dataDir, onChild }: EmbeddedStart): Promise<{ url: string; child: Child }> {
  const { port, child } = await startNodeServer({ name: 'MQTT broker', script: 'mqttServer', usualPort: 1883, dataDir, ...(onChild && { onChild }) });
  return { url: `mqtt://127.0.0.1:${port}`, child };
}
