import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';

/** How to start a child process. */
export interface ChildSettings {
  /** Name in messages. */
  name: string;
  command: string;
  args: readonly string[];
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** File for the child's output. The previous run's file is kept beside it, as `….1`. */
  logFile: string;
}

/** A running child process. */
export interface Child {
  /** Process id, which is also the id of the child's process group. */
  pid: number;
  /** Resolves with a description when the child has ended, for any reason. */
  ended: Promise<string>;
  hasEnded(): boolean;
  /** Returns the last lines of the child's output, for error messages. */
  lastLines(count?: number): string;
  /**
   * Asks the child to end (SIGTERM) and kills its process group after `boundMs` milliseconds (default 8,000). No
   * process of the group is left afterwards.
   */
  stop(boundMs?: number): Promise<void>;
}

/**
 * Shell script that runs "$@" until it ends or the pipe on descriptor 3 closes. The pipe closes when this process stops
 * the child, and also when this process dies of any signal, so no child outlives its parent. At the end the script
 * kills the whole process group, because the program may have left processes behind.
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
 * Starts a program in a process group of its own. Ctrl-C in the terminal then reaches only this process, which decides
 * the order in which the children stop.
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
  lifeline.on('error', () => undefined); // The child ended first; its exit code tells the result.
  const pid = child.pid ?? 0;
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with code ${code}`));
  });
  const cleared = ended.then(() => {
    over = true;
    lifeline.destroy();
    killGroup(pid); // Kills the supervisor's subshell and the processes that the program left behind.
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
    renameSync(file, `${file}.1`); // Keep the log of a crash: users often restart first and look for the cause later.
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return openSync(file, 'a'); // In append mode the lines of several processes stay in order.
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
  if (pid === 0) return; // The child never started. Group 0 would be this process's own.
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // No process is left. On macOS, EPERM means that only zombies are left.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
