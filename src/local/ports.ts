import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockedError, takeLock } from './fileLock';

const HOST = '127.0.0.1';

/** A port that nobody listens on and no other embedded part is about to. */
export interface ClaimedPort {
  port: number;
  /** To be called when the part that uses it has ended. */
  release(): void;
}

export function isFree(port: number, host = HOST): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/**
 * The usual port if it is free, else another free one, so that two stacks can run side by side. Claimed, because
 * of two stacks that start at once both would see it free, and one of them take the other's server for its own.
 */
export async function claimPort(usual = 0): Promise<ClaimedPort> {
  for (let wanted = usual; ; wanted = 0) {
    const port = wanted !== 0 && (await isFree(wanted)) ? wanted : await anyPort();
    const claimed = claim(port);
    if (claimed) return claimed;
  }
}

/** A port that was asked for by number; `undefined` when it is taken. */
export async function claimExactly(port: number): Promise<ClaimedPort | undefined> {
  return (await isFree(port)) ? claim(port) : undefined;
}

function anyPort(): Promise<number> {
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

function claim(port: number): ClaimedPort | undefined {
  const folder = join(tmpdir(), `longwatch-ports-${userInfo().uid}`);
  try {
    mkdirSync(folder, { recursive: true });
    return { port, ...takeLock(join(folder, String(port))) };
  } catch (error) {
    if (error instanceof LockedError) return undefined;
    return { port, release: () => undefined }; // Nowhere to note it: that it is free has to do.
  }
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
export async function waitUntil(ready: () => Promise<boolean>, gaveUp: () => boolean, boundMs: number): Promise<boolean> {
  for (const end = Date.now() + boundMs; Date.now() < end && !gaveUp(); await sleep(50)) if (await ready()) return !gaveUp();
  return false;
}

/** Waits until a port accepts connections. */
export function waitForPort(port: number, gaveUp: () => boolean, boundMs = 30_000): Promise<boolean> {
  return waitUntil(() => accepts(port), gaveUp, boundMs);
}
