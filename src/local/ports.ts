import { connect, createServer, type Server, type Socket } from 'node:net';
import { againAfter, retry } from '../timing/retry';
import type { Child } from './child';
import { PortTakenError, StartError } from './errors';
import { listenerOf } from './portOwner';
import { type Clock, systemClock } from '../timing/clock';

const HOST = '127.0.0.1';

/** A reserved port: this process listens on it, so that no other process gets it before the intended server starts. */
export interface BoundPort {
  port: number;
  /** Stops listening. Resolves when the server may bind the port. */
  release(): Promise<void>;
}

/** A port to reserve. */
export interface WantedPort {
  /** Port number; 0 for any free port. */
  port: number;
  /** Requires exactly this port. Otherwise another free port is used if this one is taken. */
  only?: boolean;
}

/**
 * Reserves a port on the loopback address by binding it. If two processes want the same port, one gets it and the other
 * learns at once that it is taken.
 * @returns undefined if the port is taken and `only` is set
 */
export async function bindPort({ port, only = false }: WantedPort): Promise<BoundPort | undefined> {
  // A client sees a reset, as if no server listened.
  const server = createServer((socket) => void socket.resetAndDestroy());
  try {
    await listenOn(server, port, { only });
    server.unref();
    return { port: portOf(server), release: () => closeServer(server) };
  } catch (error) {
    if (isTaken(error)) return undefined;
    throw error;
  }
}

/**
 * Makes a server of this process listen on a port. If another process has the port and `only` is not set, uses a free
 * one. The default host is the loopback address.
 * @returns the port that the server listens on
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

/** Whether an error of `listen` means that another process has the port. */
function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
}

/**
 * Stops listening and leaves the port in TIME_WAIT. For a minute Linux then does not assign it to a process that asks
 * for any free port, but a server may still bind it by number. For that, the listening side must close a connection
 * first.
 */
async function closeServer(server: Server): Promise<void> {
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

const ATTEMPTS = 5;

/**
 * Starts a server that binds its own port. Race: after `release` and before the server's bind, another process may
 * take the port. The server then fails and is started again on a newly chosen port, at most five times. `onTaken` is
 * called for each lost port.
 */
export async function startOnPort<T>(
  attempt: (tries: number) => Promise<T>,
  onTaken: (error: PortTakenError) => void = () => undefined,
): Promise<T> {
  return retry({ attempts: ATTEMPTS, exhausted: (error) => error }, async (number) => {
    try {
      return await attempt(number);
    } catch (error) {
      if (!(error instanceof PortTakenError)) throw error;
      if (number < ATTEMPTS) onTaken(error);
      return againAfter(error);
    }
  });
}

/** Messages of Go, Java, Rust, Python and Node.js for a taken port. */
const ADDRESS_IN_USE = /address already in use|EADDRINUSE|port \d+ is already in use/i;

/** What to wait for until a server serves. */
export interface Serving {
  /** Name in messages. */
  name: string;
  ports: readonly number[];
  /** Returns whether the server serves. Default: its ports accept connections. */
  ready?: () => Promise<boolean>;
  withinMs?: number;
}

/**
 * Waits until a child serves on its ports. An answer is not enough: it may come from another process that took the port
 * first.
 * @throws PortTakenError if another process has a port, StartError if the child does not serve in time; the child is
 * then stopped
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

/** Polls `ready` every 50 ms. @returns false if `gaveUp` returns true or `boundMs` milliseconds have passed */
export async function waitUntil(
  ready: () => Promise<boolean>,
  gaveUp: () => boolean,
  boundMs: number,
  clock: Clock = systemClock,
): Promise<boolean> {
  for (const end = clock.now() + boundMs; clock.now() < end && !gaveUp(); await clock.sleep(50))
    if (await ready()) return !gaveUp();
  return false;
}

/** Waits until a port accepts connections. @returns false as {@link waitUntil} */
export function waitForPort(port: number, gaveUp: () => boolean, boundMs = 30_000): Promise<boolean> {
  return waitUntil(() => accepts(port), gaveUp, boundMs);
}
