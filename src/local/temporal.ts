import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { type Child, startChild } from './child';
import { type PortTakenError, StartError } from './errors';
import { type HeldPort, holdPort, startOnPort, untilServing, type WantedPort } from './ports';

export interface TemporalStart {
  /** The `temporal` executable. */
  executable: string;
  dataDir: string;
  inMemory?: boolean;
  /** Held already, or those that are wanted; default any. */
  ports?: HeldTemporalPorts | WantedTemporalPorts;
  namespace: string;
  /** Name and type, as `--search-attribute` takes them. */
  searchAttributes: Readonly<Record<string, string>>;
  /** Where the Web UI has payloads decrypted. */
  codecEndpoint?: string;
  /** Told of the process as soon as there is one. */
  onChild?: (child: Child) => void;
  /** Told of the ports once the server has bound them, which is before it serves. */
  onBound?: (ports: TemporalPorts) => void;
  /** Told of ports that another process took before the server bound them; others follow. */
  onTaken?: (error: PortTakenError) => void;
  /** Default: holds it by listening on it. */
  hold?: typeof holdPort;
}

export interface WantedTemporalPorts {
  grpc: WantedPort;
  ui: WantedPort;
}

export interface TemporalPorts {
  /** host:port of the server. */
  address: string;
  uiUrl: string;
}

/** Ports that are the server's, however long it takes until there is one: the first start may build it. */
export interface HeldTemporalPorts extends TemporalPorts {
  held: { grpc: HeldPort; ui: HeldPort };
}

const LOCAL = '127.0.0.1';
export const USUAL_TEMPORAL_PORT = 7233;
const UP_WITHIN_MS = 120_000;

/**
 * Holds the wanted ports, or others where those are taken and others will do.
 * @throws StartError
 */
export async function holdTemporalPorts(wanted: WantedTemporalPorts, hold = holdPort): Promise<HeldTemporalPorts> {
  const ui = await hold(wanted.ui);
  if (!ui)
    throw new StartError(
      `Port ${wanted.ui.port}, which TEMPORAL_UI_PORT asks for, is taken. Choose another, or leave it out`,
    );
  const grpc = await hold(wanted.grpc);
  if (!grpc) {
    await ui.handOver();
    throw new StartError(`Port ${wanted.grpc.port}, which Temporal is to listen on, is taken`);
  }
  return { held: { grpc, ui }, address: `${LOCAL}:${grpc.port}`, uiUrl: `http://${LOCAL}:${ui.port}` };
}

/**
 * Starts Temporal's dev server with its Web UI; its data outlives it. It serves, and knows the namespace and the search
 * attributes, when this returns. When another process takes one of its ports before it is bound, it is started again on
 * other ports, unless others know those ports already.
 * @throws StartError when the server does not come up.
 */
export async function startTemporal(start: TemporalStart): Promise<TemporalPorts & { child: Child }> {
  const { ports = { grpc: { port: 0 }, ui: { port: 0 } } } = start;
  mkdirSync(start.dataDir, { recursive: true });
  // From then on others know its ports.
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
  await Promise.all([grpc.handOver(), ui.handOver()]);
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

/** Whether the server knows our namespace and search attributes: its port is open before that. */
async function serves(connection: Connection, { namespace, searchAttributes }: TemporalStart): Promise<boolean> {
  try {
    return await connection.withDeadline(Date.now() + 2_000, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      return Object.keys(searchAttributes).every((name) => customAttributes?.[name] !== undefined);
    });
  } catch {
    return false; // Not yet.
  }
}
