import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child';
import { PortTakenError, StartError } from './errors';
import { listenerOf } from './portOwner';

const HOST = '127.0.0.1';

/**
 * A port that this process listens on, so that nobody else gets it, until the server that is meant to have it starts.
 */
export interface HeldPort {
  port: number;
  /** Stops listening. Resolves when the server may bind the port. */
  handOver(): Promise<void>;
}

export interface WantedPort {
  /** 0: any free one. */
  port: number;
  /** No other port will do. Otherwise another free one takes the place of one that is taken. */
  only?: boolean;
}

/**
 * Holds a port on this machine's own address. It is bound, not only found free: of two processes that want the same
 * one, one gets it and the other sees at once that it is taken.
 * @returns undefined when it is taken and no other will do.
 */
export async function holdPort({ port, only = false }: WantedPort): Promise<HeldPort | undefined> {
  const server = createServer((socket) => void socket.resetAndDestroy()); // As if nobody listened.
  try {
    await listenOn(server, port, { only });
    server.unref();
    return { port: portOf(server), handOver: () => handOver(server) };
  } catch (error) {
    if (isTaken(error)) return undefined;
    throw error;
  }
}

/**
 * Makes a server of this process listen on a port or, when another process has that and unless `only` this one will do,
 * on a free one. Default: on this machine's own address.
 * @returns the port that it listens on.
 */
export async function listenOn(server: Server, port: number, { only = false, host = HOST } = {}): Promise<number> {
  try {
    await listening(server, port, host);
  } catch (error) {
    if (only || port === 0 || !isTaken(error)) throw error;
    await listening(server, 0, host);
  }
  return portOf(server);
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(error);
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Whether an error of `listen` says that another process has the port. */
function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
}

/**
 * Leaves the port in TIME_WAIT: for a minute Linux then gives it to nobody who asks for any free port, while a server
 * that asks for it by number may have it. For that, the listening side must be the first to close a connection.
 */
async function handOver(server: Server): Promise<void> {
  const far = new Set<Socket>();
  server.removeAllListeners('connection').on(
    'connection',
    (socket: Socket) =>
      void far.add(
        socket
          .on('error', () => undefined)
          .resume()
          .end(),
      ),
  );
  await new Promise<void>((resolve) =>
    connect(portOf(server), HOST)
      .resume()
      .once('error', () => undefined)
      .once('close', () => resolve()),
  );
  far.forEach((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

const MAX_TRIES = 5;

/**
 * Starts a server that binds its own port. Race: between the end of our hold and the server's bind another process may
 * take the port. The server then fails, and is started again on a port that is chosen anew, five times at the most.
 * `onTaken` is told of each port that was lost so.
 */
export async function startOnPort<T>(
  attempt: (tries: number) => Promise<T>,
  onTaken: (error: PortTakenError) => void = () => undefined,
): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await attempt(tries);
    } catch (error) {
      if (!(error instanceof PortTakenError) || tries === MAX_TRIES) throw error;
      onTaken(error);
    }
}

/** What Go, Java, Rust, Python and Node say when a port is taken. */
const ADDRESS_IN_USE = /address already in use|EADDRINUSE|port \d+ is already in use/i;

export interface Serving {
  /** For messages. */
  name: string;
  ports: readonly number[];
  /** Whether it serves; default: whether its ports accept connections. */
  ready?: () => Promise<boolean>;
  withinMs?: number;
}

/**
 * Waits until a child serves on its ports. That somebody answers there is not enough: it may be the server of the
 * process that took the port from our child.
 * @throws PortTakenError when another process has a port, StartError when the child does not serve. It has been
 *   stopped then.
 */
export async function untilServing(
  child: Child,
  { name, ports, ready = () => accept(ports), withinMs = 30_000 }: Serving,
): Promise<void> {
  const answers = await waitUntil(ready, child.hasEnded, withinMs);
  const foreign = ports.find((port) => listenerOf(port, child.pid) === 'another');
  if (answers && foreign === undefined) return;
  await child.stop();
  const lines = child.lastLines();
  if (foreign === undefined && !ADDRESS_IN_USE.test(lines))
    throw new StartError(`${name} did not start. Its last lines:\n${lines}`);
  throw new PortTakenError(
    `${name} did not start: another process took port ${foreign ?? ports.join(' or ')}. Its last lines:\n${lines}`,
  );
}

async function accept(ports: readonly number[]): Promise<boolean> {
  return (await Promise.all(ports.map(accepts))).every(Boolean);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Asks again and again. `false` when `gaveUp` says so or the time is over. */
export async function waitUntil(
  ready: () => Promise<boolean>,
  gaveUp: () => boolean,
  boundMs: number,
): Promise<boolean> {
  for (const end = Date.now() + boundMs; Date.now() < end && !gaveUp(); await sleep(50))
    if (await ready()) return !gaveUp();
  return false;
}

/** Waits until a port accepts connections. */
export function waitForPort(port: number, gaveUp: () => boolean, boundMs = 30_000): Promise<boolean> {
  return waitUntil(() => accepts(port), gaveUp, boundMs);
}
