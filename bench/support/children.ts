import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Time for a process to end after SIGINT, in milliseconds; then it is killed. */
const GRACE_MS = 15_000;

/** Tracks every child process that this process starts from now on. @returns a function that ends the running ones. */
export function watchChildren(): () => Promise<void> {
  const started = new Set<ChildProcess>();
  const note = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess };
    started.add(child);
    child.once('exit', () => started.delete(child));
  };
  subscribe('child_process', note);
  return async () => {
    unsubscribe('child_process', note);
    await Promise.all([...started].map(end));
  };
}

/** Ends this process and its children after a signal, an uncaught exception or an unhandled rejection. */
export function endTogether(endChildren: () => Promise<void>): void {
  const endAll = async (fault?: unknown): Promise<void> => {
    if (fault !== undefined) console.error(fault);
    await endChildren().finally(() => process.exit(1));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void endAll());
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const)
    process.once(fault, (error: unknown) => void endAll(error));
}

/** Interrupts a process, so that it can end its own children, and kills it if it does not end in time. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  const kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await ended;
  clearTimeout(kill);
}
