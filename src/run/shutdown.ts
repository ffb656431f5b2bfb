/** Exit code of a process that could not stop within its grace period. */
export const CUT_SHORT = 1;

/**
 * Stops in order within a time limit. At the limit the process exits with unfinished work. No data is lost: unfinished
 * requests get no answer, and Temporal gives unfinished activities to another worker.
 * @param boundMs milliseconds from now
 */
export function withinGrace(boundMs: number, stop: () => Promise<void>): Promise<void> {
  const cut = setTimeout(() => {
    process.stderr.write(
      `The grace period of ${boundMs / 1000} s is over: the process exits with unfinished work, which other ` +
        'processes continue.\n',
    );
    process.exit(CUT_SHORT);
  }, boundMs);
  cut.unref();
  return stop().finally(() => clearTimeout(cut));
}
