/** How a process that could not finish in time ends. */
export const CUT_SHORT = 1;

/**
 * Stops in order, but not for ever: past the bound the process ends with what is left undone. Nothing is lost by it;
 * requests were not answered, and activities are given to another worker.
 * @param boundMs milliseconds from now.
 */
export function withinGrace(boundMs: number, stop: () => Promise<void>): Promise<void> {
  const cut = setTimeout(() => {
    process.stderr.write(
      `The grace period of ${boundMs / 1000} s is over: what is still under way is left to others.\n`,
    );
    process.exit(CUT_SHORT);
  }, boundMs);
  cut.unref();
  return stop().finally(() => clearTimeout(cut));
}
