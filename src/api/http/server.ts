import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import type { Admission } from '../admission/admission';
import { Problem } from './problem';
import { ReplyGuard } from './replyGuard';
import { monotonicClock } from '../../timing/clock';

/** The server cannot listen: the port is in use, needs privileges, or the address does not exist. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** A server that accepts requests. */
export interface Listening {
  url: string;
  port: number;
  /**
   * Stops accepting, lets active requests finish within the bound (default 5,000 ms), then closes the remaining
   * connections.
   */
  close(boundMs?: number): Promise<void>;
}

/** Address and limits of the server. */
export interface ListenSettings {
  host: string;
  port: number;
  /** Name of the setting that chose the port, for error messages. Default `PORT`. */
  setting?: string;
  /** Admission control, consulted before the application. */
  admission?: Admission;
  /** Maximum number of open connections; further ones are closed at once. Default 10,000. */
  maxConnections?: number;
  /**
   * Milliseconds within which a client must send its headers. Also the time for which a new connection may be silent.
   * Default 10,000.
   */
  headersTimeoutMs?: number;
  /** Milliseconds within which a client must send a whole request. Default 30,000. */
  requestTimeoutMs?: number;
}

/**
 * Idle time after which a kept-alive connection is closed. It must be longer than the load balancer's own idle timeout
 * (60 s on AWS). Otherwise the load balancer may send a request on a connection that is being closed.
 */
const KEEP_ALIVE_MS = 65_000;
/**
 * Length of the kernel's queue of connections that are not accepted yet (net.core.somaxconn may lower it). With the
 * default of 511 a burst overflows it, and the dropped clients retry only after a second.
 */
const BACKLOG = 4_096;
const MAX_HEADER_BYTES = 16 * 1024;
/** Share of the maximum number of connections above which idle connections are closed. */
const NEARLY_FULL = 0.9;

/**
 * Serves an application. Slow and silent clients are disconnected after the timeouts and take no slot meanwhile.
 * @throws ListenError if the port or the address cannot be used.
 */
export async function listen(app: Express, settings: ListenSettings): Promise<Listening> {
  const { host, maxConnections = 10_000 } = settings;
  const server = openServer(app, settings);
  limitConnections(server, maxConnections);
  await bind(server, settings);
  const { port } = server.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shownHost}:${port}`, port, close: (boundMs = 5_000) => drain(server, boundMs) };
}

function openServer(app: Express, settings: ListenSettings): Server {
  const { admission, headersTimeoutMs = 10_000, requestTimeoutMs = 30_000 } = settings;
  return createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Node.js checks the two timeouts at this interval. Its default of 30 s would triple the shorter one.
      connectionsCheckingInterval: Math.max(100, Math.floor(headersTimeoutMs / 10)),
    },
    (request, response) => {
      try {
        if (!admission || admission.arrive(request, response)) app(request, response);
      } catch {
        ReplyGuard.of(response).fail(new Problem(500, 'Unexpected error'), '');
      }
    },
  );
}

/**
 * Node.js closes each connection beyond the limit. Near the limit, idle kept-alive connections are closed to make room
 * for new ones.
 */
function limitConnections(server: Server, maxConnections: number): void {
  server.maxConnections = maxConnections;
  let open = 0;
  let cleared = 0;
  server.on('connection', (socket) => {
    open++;
    socket.once('close', () => open--);
    if (open > maxConnections * NEARLY_FULL && monotonicClock.now() - cleared > 1_000) {
      cleared = monotonicClock.now();
      server.closeIdleConnections();
    }
  });
}

/** @throws ListenError if the port or the address cannot be used. */
async function bind(server: Server, { host, port, setting = 'PORT' }: ListenSettings): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, setting)));
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
}

function drain(server: Server, boundMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), boundMs);
    // A kept-alive connection becomes idle only when its request is answered, so check repeatedly.
    const idle = setInterval(() => server.closeIdleConnections(), 25);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number, setting: string): Error {
  if (error.code === 'EADDRINUSE')
    return new ListenError(
      `Port ${port} on ${host} is in use. Stop the process that uses it, or choose another port: ` +
        `${setting}=${port + 1} (0: any free port)`,
    );
  if (error.code === 'EACCES')
    return new ListenError(`Port ${port} requires privileges. Choose a port above 1023: ${setting}=3000`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new ListenError(
      `This machine has no address ${host}. Set HOST to one of its addresses, for example 127.0.0.1`,
    );
  return error;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** Returns whether a host name or address is the machine's own loopback. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}
