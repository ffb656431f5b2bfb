import type { Server } from 'node:net';
import { listenOn } from './ports';

/**
 * Runs a server as a process of its own: ended by SIGTERM and SIGINT; one that does not come up says why, with exit
 * code 1.
 */
export function runServer(start: () => Promise<void>): void {
  const stop = () => process.exit(0);
  start().then(
    () => {
      process.once('SIGTERM', stop);
      process.once('SIGINT', stop);
    },
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exit(1);
    },
  );
}

/** What a server process prints once it listens: by it, its parent learns the port that it has. */
export const LISTENING = /^listening on \w+:\/\/127\.0\.0\.1:(\d+)$/m;

/** Listens on the usual port or, when another process has that, on a free one; says so. */
export async function serve(server: Server, protocol: string, usualPort: number): Promise<void> {
  console.log(`listening on ${protocol}://127.0.0.1:${await listenOn(server, usualPort)}`);
}
