import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Time that a process has to end by itself once it is told to. */
const GRACE_MS = 15_000;

/** Notices every process that is started from now on. @returns a function that ends those that still run. */
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

/** Ends this process and what it has started when it is told to end, or when something fails that no code catches. */
export function endTogether(endChildren: () => Promise<void>): void {
  const endAll = async (fault?: unknown): Promise<void> => {
    if (fault !== undefined) console.error(fault);
    await endChildren().finally(() => process.exit(1));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void endAll());
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const)
    process.once(fault, (error: unknown) => void endAll(error));
}

/** Interrupts a process, so that it ends those that it has started itself, and kills it if it does not end. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  const kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await ended;
  clearTimeout(kill);
}
