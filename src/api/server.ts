import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';

export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface Listening {
  url: string;
  port: number;
  /** Stops accepting, lets requests under way finish within the bound (default 5 s), then cuts what is left. */
  close(boundMs?: number): Promise<void>;
}

/** Serves an application. Slow or silent clients are cut: headers within 10 s, a request within 30 s. */
export async function listen(app: Express, { host, port, setting = 'PORT' }: { host: string; port: number; setting?: string }): Promise<Listening> {
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, maxHeaderSize: 16 * 1024 },
    app,
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, setting)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${address.port}`,
    port: address.port,
    close: (boundMs = 5_000) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), boundMs);
        // A kept-alive connection is idle only once its request is answered: look again and again.
        const idle = setInterval(() => server.closeIdleConnections(), 25);
        server.close(() => {
          clearTimeout(cut);
          clearInterval(idle);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number, setting: string): Error {
  if (error.code === 'EADDRINUSE')
    return new ListenError(`Port ${port} on ${host} is taken. Stop what listens there, or choose another: ${setting}=${port + 1} (0: any that is free)`);
  if (error.code === 'EACCES') return new ListenError(`Port ${port} needs privileges. Choose one over 1023: ${setting}=3000`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new ListenError(`This machine has no address ${host}. Set HOST to one that it has, for example 127.0.0.1`);
  return error;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}
