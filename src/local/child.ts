import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';

export interface ChildSettings {
  /** For messages. */
  name: string;
  command: string;
  args: readonly string[];
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** Everything that the child prints goes here; what the run before printed is kept beside it, as `….1`. */
  logFile: string;
}

export interface Child {
  /** Of the process group that the program runs in. */
  pid: number;
  /** Resolves with a description when the child has ended, however it ended. */
  ended: Promise<string>;
  hasEnded(): boolean;
  /** The last lines that it printed, for error messages. */
  lastLines(count?: number): string;
  /** Asks it to end, waits so long, then makes it. Nothing of its group is left afterwards. */
  stop(boundMs?: number): Promise<void>;
}

/**
 * Runs "$@" until it ends or the pipe on descriptor 3 closes, which happens when we stop it and also when we
 * die, by whatever signal: no child outlives its parent. The last act is at the whole group: what the program
 * started may have stayed behind, and nobody else is there to clear it away.
 */
const SUPERVISOR = `
"$@" </dev/null 3<&- &
child=$!
(
  cat <&3 >/dev/null
  kill -TERM $child
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
    kill -0 $child || break
    sleep 0.2
  done
  kill -KILL 0
) 2>/dev/null &
wait $child
exit $?
`;

/**
 * Starts a part as a process group of its own, so that Ctrl-C in the terminal reaches only us and we decide
 * the order in which things stop.
 */
export function startChild(settings: ChildSettings): Child {
  const log = openLog(settings.logFile);
  const child: ChildProcess = spawn('/bin/sh', ['-c', SUPERVISOR, settings.name, settings.command, ...settings.args], {
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
    env: { ...process.env, ...settings.env },
    ...(settings.cwd && { cwd: settings.cwd }),
  });
  closeSync(log);
  const lifeline = child.stdio[3] as Writable;
  lifeline.on('error', () => undefined); // The child ended first; its exit says all.
  const pid = child.pid ?? 0;
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with code ${code}`));
  });
  const cleared = ended.then(() => {
    over = true;
    lifeline.destroy();
    killGroup(pid); // The supervisor's own helper, and what the program left behind.
  });
  return {
    pid,
    ended,
    hasEnded: () => over,
    lastLines: (count = 15) => lastLines(settings.logFile, count),
    async stop(boundMs = 8_000) {
      lifeline.end();
      const timer = setTimeout(() => killGroup(pid), boundMs);
      await cleared;
      clearTimeout(timer);
    },
  };
}

function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  try {
    renameSync(file, `${file}.1`); // After a crash one starts again first and asks why later.
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return openSync(file, 'a'); // What appends is in order, whoever of the group writes.
}

const TAIL_BYTES = 64 * 1024;

function lastLines(file: string, count: number): string {
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const length = readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8', 0, length).trimEnd().split('\n').slice(-count).join('\n') || '(it printed nothing)';
  } finally {
    closeSync(handle);
  }
}

function killGroup(pid: number): void {
  if (pid === 0) return; // It never started; group 0 would be our own.
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Nothing, or on macOS nothing but zombies, is left, as wanted.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
