import type { EventEmitter } from 'node:events';

export interface UnexpectedParts {
  /**
   * Whether the process serves. Until then a rejection is fatal too: a start that waits for the rejected promise would
   * wait for ever.
   */
  isUp(): boolean;
  report(level: 'fatal' | 'error', error: unknown, message: string): void;
  countRejection(): void;
  /** Finishes what is in flight and ends the process. */
  stop(): void;
}

/**
 * Decides what a fault does that no code caught. An exception of a timer's or an event's callback leaves the process in
 * an
 * unknown state: it reports that it is not ready, finishes what is in flight, and exits with 1 for its supervisor to
 * restart it. A rejected promise that nobody handles belongs to one request or background task, whose state it leaves
 * as
 * any failure does: it is logged and counted, and the process goes on. Node.js would end the process for both, at once.
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
        ? `${what}; the process is ending already`
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
    report('error', reason, 'Unhandled rejection: the other requests and tasks go on');
  });
}
