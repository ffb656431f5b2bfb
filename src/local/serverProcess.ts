/** Runs a server as a process of its own: ended by SIGTERM and SIGINT; one that does not come up says why, with exit code 1. */
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
