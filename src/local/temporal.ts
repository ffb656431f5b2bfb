import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './child';
import { StartError } from './errors';
import { freePort, isFree, waitForPort } from './ports';

export interface TemporalStart {
  /** The `temporal` executable. */
  executable: string;
  dataDir: string;
  inMemory?: boolean;
  /** gRPC port; usual 7233. */
  port?: number;
  /** Web UI port; usual 8233. With `uiPortWanted` it must be that one. */
  uiPort: number;
  uiPortWanted?: boolean;
  namespace: string;
  headless?: boolean;
  /** Name and type, as `--search-attribute` takes them. */
  searchAttributes: Readonly<Record<string, string>>;
}

export interface RunningTemporal {
  address: string;
  uiUrl: string;
  child: Child;
}

/** Starts Temporal's dev server with its Web UI; its data outlives it. */
export async function startTemporal(start: TemporalStart): Promise<RunningTemporal> {
  const port = await freePort(start.port ?? 7233);
  if (start.uiPortWanted && !(await isFree(start.uiPort)))
    throw new StartError(`Port ${start.uiPort}, which TEMPORAL_UI_PORT asks for, is taken. Choose another, or leave it out`);
  const uiPort = await freePort(start.uiPort);
  mkdirSync(start.dataDir, { recursive: true });
  const child = startChild({
    name: 'temporal',
    command: start.executable,
    args: [
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--namespace',
      start.namespace,
      '--log-level',
      'warn',
      ...(start.headless ? ['--headless'] : ['--ui-port', String(uiPort)]),
      ...(start.inMemory ? [] : ['--db-filename', join(start.dataDir, 'temporal.db')]),
      ...Object.entries(start.searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ],
    logFile: join(start.dataDir, 'logs', 'temporal.log'),
  });
  const up =
    (await waitForPort(port, () => child.hasEnded(), 60_000)) &&
    (start.headless === true || (await waitForPort(uiPort, () => child.hasEnded(), 30_000)));
  if (up && !child.hasEnded()) return { address: `127.0.0.1:${port}`, uiUrl: `http://127.0.0.1:${uiPort}`, child };
  const lines = child.lastLines();
  await child.stop();
  throw new StartError(`Temporal's dev server did not start. Its last lines:\n${lines}`);
}
