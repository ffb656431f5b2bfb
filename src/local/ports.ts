import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const HOST = '127.0.0.1';

export function isFree(port: number, host = HOST): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** The usual port if it is free, else another free one, so that two stacks can run side by side. */
export async function freePort(usual: number): Promise<number> {
  if (usual !== 0 && (await isFree(usual))) return usual;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
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

/** Waits until a port accepts connections. `false` when `gaveUp` says so or the time is over. */
export async function waitForPort(port: number, gaveUp: () => boolean, boundMs = 30_000): Promise<boolean> {
  for (const end = Date.now() + boundMs; Date.now() < end && !gaveUp(); await sleep(50)) if (await accepts(port)) return true;
  return false;
}
