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
  ports: TemporalPorts;
  namespace: string;
  /** Name and type, as `--search-attribute` takes them. */
  searchAttributes: Readonly<Record<string, string>>;
  /** Where the Web UI has payloads decrypted. */
  codecEndpoint?: string;
  /** Told of the process as soon as there is one. */
  onChild?: (child: Child) => void;
}

/** Claimed before the server is there, since its address is wanted long before: the first start may build it. */
export interface TemporalPorts {
  grpc: ClaimedPort;
  ui: ClaimedPort;
  address: string;
  uiUrl: string;
}

const LOCAL = '127.0.0.1';
const USUAL_PORT = 7233;
const UP_WITHIN_MS = 60_000;

/**
 * The usual ports, or others where those are taken; with `uiPortWanted` the Web UI's must be that one.
 * @throws StartError
 */
export async function claimTemporalPorts(uiPort: number, uiPortWanted: boolean): Promise<TemporalPorts> {
  const ui = uiPortWanted && uiPort !== 0 ? await claimExactly(uiPort) : await claimPort(uiPort);
  if (!ui) throw new StartError(`Port ${uiPort}, which TEMPORAL_UI_PORT asks for, is taken. Choose another, or leave it out`);
  const grpc = await claimPort(USUAL_PORT);
  return { grpc, ui, address: `${LOCAL}:${grpc.port}`, uiUrl: `http://${LOCAL}:${ui.port}` };
}

/**
 * Starts Temporal's dev server with its Web UI; its data outlives it. It serves, and knows the namespace and
 * the search attributes, when this returns.
 * @throws StartError when the server does not come up.
 */
export async function startTemporal(start: TemporalStart): Promise<Child> {
  const { ports } = start;
  mkdirSync(start.dataDir, { recursive: true });
  const child = startChild({
    name: 'temporal',
    command: start.executable,
    args: [
      'server',
      'start-dev',
      `--ip=${LOCAL}`,
      `--port=${ports.grpc.port}`,
      `--namespace=${start.namespace}`,
      '--log-level=warn',
      `--ui-port=${ports.ui.port}`,
      ...(start.codecEndpoint === undefined ? [] : [`--ui-codec-endpoint=${start.codecEndpoint}`]),
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
  const up = (await serves(ports.address, start, child)) && (await waitForPort(ports.ui.port, child.hasEnded));
  if (up && !child.hasEnded()) return child;
  const lines = child.lastLines();
  await child.stop();
  throw new StartError(`Temporal's dev server did not start. Its last lines:\n${lines}`);
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
