import type { Server } from 'node:net';
import { listenOn } from './ports';

/**
 * Runs a server as a process. SIGTERM and SIGINT end it. If the server does not start, prints the cause and exits with
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

/** The line that a server process prints when it listens. The parent process reads the port from it. */
export const LISTENING = /^listening on \w+:\/\/127\.0\.0\.1:(\d+)$/m;

/** Listens on the usual port, or on a free one if that is taken, and prints the address. */
export async function serve(server: Server, protocol: string, usualPort: number): Promise<void> {
  console.log(`listening on ${protocol}://127.0.0.1:${await listenOn(server, usualPort)}`);
}
