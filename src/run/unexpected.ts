import type { EventEmitter } from 'node:events';

/** What the handler of uncaught errors needs. */
export interface UnexpectedParts {
  /**
   * Whether the process serves. Before that, an unhandled rejection is fatal too: the start may wait for the rejected
   * promise forever.
   */
  isUp(): boolean;
  report(level: 'fatal' | 'error', error: unknown, message: string): void;
  countRejection(): void;
  /** Finishes the work in flight and ends the process. */
  stop(): void;
}

/**
 * Handles errors that no code catches. An exception in the callback of a timer or an event leaves the process in an
 * unknown state. The process then reports that it is not ready, finishes the work in flight, and exits with code 1, so
 * that its supervisor restarts it. An unhandled rejection belongs to one request or background task and affects only
 * that. It is logged and counted, and the process continues. By default Node.js would end the process at once in both
 * cases.
 */
export function watchUnexpected(
  { isUp, report, countRejection, stop }: UnexpectedParts,
  source: EventEmitter = process,
): void {
  let isStopping = false;
  const end = (error: unknown, what: string) => {
    report(
      'fatal',
      error,
      isStopping
        ? `${what}; the process is already stopping`
        : `${what}: requests and tasks in flight are finished, then the process exits with 1`,
    );
    if (isStopping) return;
    isStopping = true;
    process.exitCode = 1;
    stop();
  };
  source.on('uncaughtException', (error) => end(error, 'Uncaught exception'));
  source.on('unhandledRejection', (reason) => {
    if (!isUp()) return end(reason, 'Unhandled rejection while starting');
    countRejection();
    report('error', reason, 'Unhandled rejection: other requests and tasks continue');
  });
}
