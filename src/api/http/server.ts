import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import type { Admission } from '../admission/admission';
import { Problem } from './problem';
import { ReplyGuard } from './replyGuard';

export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface Listening {
  url: string;
  port: number;
  /** Stops accepting, lets requests under way finish within the bound (default 5 s), then cuts what is left. */
  close(boundMs?: number): Promise<void>;
}

export interface ListenSettings {
  host: string;
  port: number;
  /** The setting that chose the port, for messages. Default `PORT`. */
  setting?: string;
  /** Asked before the application is. */
  admission?: Admission;
  /** Open connections; the next is closed at once. Default 10,000. */
  maxConnections?: number;
  /** Milliseconds that a client has for its headers, and that a new connection may say nothing. Default 10,000. */
  headersTimeoutMs?: number;
  /** Milliseconds that a client has for a whole request. Default 30,000. */
  requestTimeoutMs?: number;
}

/**
 * A load balancer's own idle timeout must be shorter, or it sends a request down a connection that is being closed:
 * AWS's is 60 s.
 */
const KEEP_ALIVE_MS = 65_000;
/**
 * Connections that the kernel keeps until we take them (it may keep fewer: net.core.somaxconn). With the default of
 * 511, a rush is dropped, and tries again only a second later.
 */
const BACKLOG = 4_096;
const MAX_HEADER_BYTES = 16 * 1024;
/** Of the connections that there may be, above which those are closed that nobody uses. */
const NEARLY_FULL = 0.9;

/** Serves an application. Slow or silent clients are cut, and take nothing from others meanwhile. */
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
      // Node looks for who is late this often; its default of 30 s would triple the shorter of the two.
      connectionsCheckingInterval: Math.max(100, Math.floor(headersTimeoutMs / 10)),
    },
    (request, response) => {
      try {
        if (!admission || admission.arrive(request, response)) app(request, response);
      } catch {
        ReplyGuard.of(response).fail(new Problem(500, 'An unexpected fault'), '');
      }
    },
  );
}

/** Node closes each connection beyond the limit. Near the limit, idle kept-alive connections give way to new ones. */
function limitConnections(server: Server, maxConnections: number): void {
  server.maxConnections = maxConnections;
  let open = 0;
  let cleared = 0;
  server.on('connection', (socket) => {
    open++;
    socket.once('close', () => open--);
    if (open > maxConnections * NEARLY_FULL && performance.now() - cleared > 1_000) {
      cleared = performance.now();
      server.closeIdleConnections();
    }
  });
}

/** @throws ListenError where the address or the port cannot be had */
async function bind(server: Server, { host, port, setting = 'PORT' }: ListenSettings): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, setting)));
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
}

function drain(server: Server, boundMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), boundMs);
    // A kept-alive connection is idle only once its request is answered: look again and again.
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
      `Port ${port} on ${host} is taken. Stop what listens there, or choose another: ${setting}=${port + 1} (0: ` +
        'any that is free)',
    );
  if (error.code === 'EACCES')
    return new ListenError(`Port ${port} needs privileges. Choose one over 1023: ${setting}=3000`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new ListenError(`This machine has no address ${host}. Set HOST to one that it has, for example 127.0.0.1`);
  return error;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}
