import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { type Child, startChild } from './child';
import { StartError } from './errors';
import { type ClaimedPort, claimExactly, claimPort, waitForPort, waitUntil } from './ports';

export interface TemporalStart {
  /** The `temporal` executable. */
  executable: string;
  dataDir: string;
  inMemory?: boolean;
  /** gRPC port, which must be free; default 7233, or another one if that is taken. */
  port?: number;
  /** Web UI port; usual 8233. With `uiPortWanted` it must be that one. */
  uiPort: number;
  uiPortWanted?: boolean;
  namespace: string;
  headless?: boolean;
  /** Name and type, as `--search-attribute` takes them. */
  searchAttributes: Readonly<Record<string, string>>;
  /** Told of the process as soon as there is one. */
  onChild?: (child: Child) => void;
}

export interface RunningTemporal {
  address: string;
  uiUrl: string;
  child: Child;
}

const USUAL_PORT = 7233;
const UP_WITHIN_MS = 60_000;

/**
 * Starts Temporal's dev server with its Web UI; its data outlives it. It serves, and knows the namespace and
 * the search attributes, when this returns.
 * @throws StartError when a port that was asked for is taken, or the server does not come up.
 */
export async function startTemporal(start: TemporalStart): Promise<RunningTemporal> {
  const ports = await claimPorts(start);
  const port = String(ports.grpc.port);
  mkdirSync(start.dataDir, { recursive: true });
  const child = startChild({
    name: 'temporal',
    command: start.executable,
    args: [
      'server',
      'start-dev',
      '--ip=127.0.0.1',
      `--port=${port}`,
      `--namespace=${start.namespace}`,
      '--log-level=warn',
      ...(start.headless ? ['--headless'] : [`--ui-port=${ports.ui.port}`]),
      ...(start.inMemory ? [] : ['--db-filename', join(start.dataDir, 'temporal.db')]),
      ...Object.entries(start.searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ],
    logFile: join(start.dataDir, 'logs', 'temporal.log'),
  });
  void child.ended.then(() => {
    ports.grpc.release();
    ports.ui.release();
  });
  start.onChild?.(child);
  const address = `127.0.0.1:${port}`;
  const up = (await serves(address, start, child)) && (start.headless || (await waitForPort(ports.ui.port, child.hasEnded)));
  if (up && !child.hasEnded()) return { address, uiUrl: `http://127.0.0.1:${ports.ui.port}`, child };
  const lines = child.lastLines();
  await child.stop();
  throw new StartError(`Temporal's dev server did not start. Its last lines:\n${lines}`);
}

async function claimPorts(start: TemporalStart): Promise<{ grpc: ClaimedPort; ui: ClaimedPort }> {
  const grpc = start.port ? await claimExactly(start.port) : await claimPort(USUAL_PORT);
  if (!grpc) throw new StartError(`Port ${start.port}, which Temporal is to listen on, is taken`);
  const exact = start.uiPortWanted && start.uiPort !== 0 && !start.headless;
  const ui = exact ? await claimExactly(start.uiPort) : await claimPort(start.uiPort);
  if (ui) return { grpc, ui };
  grpc.release();
  throw new StartError(`Port ${start.uiPort}, which TEMPORAL_UI_PORT asks for, is taken. Choose another, or leave it out`);
}

/** Waits until the server knows our namespace and search attributes: its port is open before that. */
async function serves(address: string, { namespace, searchAttributes }: TemporalStart, child: Child): Promise<boolean> {
  const connection = Connection.lazy({ address, connectTimeout: 1_000 });
  const ready = async (): Promise<boolean> => {
    try {
      return await connection.withDeadline(Date.now() + 2_000, async () => {
        await connection.workflowService.describeNamespace({ namespace });
        const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
        return Object.keys(searchAttributes).every((name) => customAttributes?.[name] !== undefined);
      });
    } catch {
      return false; // Not yet.
    }
  };
  try {
    return await waitUntil(ready, child.hasEnded, UP_WITHIN_MS);
  } finally {
    await connection.close();
  }
}
