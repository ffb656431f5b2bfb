/**
 * Prints why a process ends.
 * @param isExpected whether the user can correct the error; then only its message is printed, without a stack trace
 */
export function printError(error: unknown, isExpected: boolean): void {
  const text = isExpected ? (error as Error).message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`\n${text}\n`);
}
