import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { type Child, startChild } from './child';
import { type PortTakenError, StartError } from './errors';
import { type BoundPort, bindPort, startOnPort, untilServing, type WantedPort } from './ports';

/** How to start Temporal's dev server. */
export interface TemporalStart {
  /** Path of the `temporal` executable. */
  executable: string;
  dataDir: string;
  inMemory?: boolean;
  /** Reserved or wanted ports. Default: any free ports. */
  ports?: HeldTemporalPorts | WantedTemporalPorts;
  namespace: string;
  /** Types of the search attributes by name, as `--search-attribute` accepts them. */
  searchAttributes: Readonly<Record<string, string>>;
  /** Endpoint at which the Web UI decrypts payloads. */
  codecEndpoint?: string;
  /** Called with the process as soon as it is started. */
  onChild?: (child: Child) => void;
  /** Called once the server has bound its ports, which is before it serves. */
  onBound?: (ports: TemporalPorts) => void;
  /** Called when another process took a port before the server bound it; the start continues on other ports. */
  onTaken?: (error: PortTakenError) => void;
  /** Reserves a port. Default: listens on it. */
  hold?: typeof bindPort;
}

/** Ports to reserve for the server. */
export interface WantedTemporalPorts {
  grpc: WantedPort;
  ui: WantedPort;
}

/** Addresses of a Temporal server. */
export interface TemporalPorts {
  /** Address of the server, host:port. */
  address: string;
  uiUrl: string;
}

/** Ports that are reserved until the server starts, which may take minutes because the first start may build it. */
export interface HeldTemporalPorts extends TemporalPorts {
  held: { grpc: BoundPort; ui: BoundPort };
}

const LOCAL = '127.0.0.1';
/** Temporal's usual port. */
export const USUAL_TEMPORAL_PORT = 7233;
const UP_WITHIN_MS = 120_000;

/**
 * Reserves the wanted ports, or others if those are taken and may be replaced.
 * @throws StartError if a port that must be used is taken
 */
export async function holdTemporalPorts(wanted: WantedTemporalPorts, hold = bindPort): Promise<HeldTemporalPorts> {
  const ui = await hold(wanted.ui);
  if (!ui)
    throw new StartError(
      `Port ${wanted.ui.port}, set by TEMPORAL_UI_PORT, is in use. Choose another port, or unset TEMPORAL_UI_PORT`,
    );
  const grpc = await hold(wanted.grpc);
  if (!grpc) {
    await ui.release();
    throw new StartError(`Port ${wanted.grpc.port} for Temporal is in use`);
  }
  return { held: { grpc, ui }, address: `${LOCAL}:${grpc.port}`, uiUrl: `http://${LOCAL}:${ui.port}` };
}

/**
 * Starts Temporal's dev server with its Web UI. Its data is kept on disk unless `inMemory` is set. When this resolves,
 * the server serves and knows the namespace and the search attributes. If another process takes a port before the
 * server binds it, starts again on other ports, unless the ports were already published.
 * @throws StartError if the server does not start within 120 s
 */
export async function startTemporal(start: TemporalStart): Promise<TemporalPorts & { child: Child }> {
  const { ports = { grpc: { port: 0 }, ui: { port: 0 } } } = start;
  mkdirSync(start.dataDir, { recursive: true });
  // Set when the ports are published: other code may know them from then on.
  let bound: WantedTemporalPorts | undefined;
  return startOnPort(async (tries) => {
    if ('held' in ports && tries > 1)
      throw new StartError(
        `Port ${ports.held.grpc.port} or ${ports.held.ui.port} was taken by another process just before ` +
          `Temporal's server started. Start again`,
      );
    const again = (wanted: WantedPort): WantedPort => (tries === 1 || wanted.only ? wanted : { port: 0 });
    const held =
      'held' in ports
        ? ports
        : await holdTemporalPorts(bound ?? { grpc: again(ports.grpc), ui: again(ports.ui) }, start.hold);
    return runServer(start, held, () => {
      bound = { grpc: { port: held.held.grpc.port, only: true }, ui: { port: held.held.ui.port, only: true } };
      start.onBound?.(held);
    });
  }, start.onTaken);
}

async function runServer(
  start: TemporalStart,
  { held: { grpc, ui }, ...ports }: HeldTemporalPorts,
  onBound: () => void,
): Promise<TemporalPorts & { child: Child }> {
  await Promise.all([grpc.release(), ui.release()]);
  const child = startChild({
    name: 'temporal',
    command: start.executable,
    args: [
      'server',
      'start-dev',
      `--ip=${LOCAL}`,
      `--port=${grpc.port}`,
      `--namespace=${start.namespace}`,
      '--log-level=warn',
      `--ui-port=${ui.port}`,
      ...(start.codecEndpoint === undefined ? [] : [`--ui-codec-endpoint=${start.codecEndpoint}`]),
      ...(start.inMemory ? [] : ['--db-filename', join(start.dataDir, 'temporal.db')]),
      ...Object.entries(start.searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ],
    logFile: join(start.dataDir, 'logs', 'temporal.log'),
  });
  start.onChild?.(child);
  const name = "Temporal's dev server";
  await untilServing(child, { name, ports: [grpc.port, ui.port], withinMs: UP_WITHIN_MS });
  onBound();
  const connection = Connection.lazy({ address: ports.address, connectTimeout: 1_000 });
  try {
    await untilServing(child, {
      name,
      ports: [grpc.port, ui.port],
      ready: () => serves(connection, start),
      withinMs: UP_WITHIN_MS,
    });
  } finally {
    await connection.close();
  }
  return { ...ports, child };
}

/** Returns whether the server knows the namespace and the search attributes. Its port is open before that. */
async function serves(connection: Connection, { namespace, searchAttributes }: TemporalStart): Promise<boolean> {
  try {
    return await connection.withDeadline(Date.now() + 2_000, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      return Object.keys(searchAttributes).every((name) => customAttributes?.[name] !== undefined);
    });
  } catch {
    return false; // The server is not ready yet.
  }
}
