import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';

export interface ChildSettings {
  /** For messages. */
  name: string;
  command: string;
  args: readonly string[];
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** Everything that the child prints goes here. */
  logFile: string;
}

export interface Child {
  /** Of the program itself's process group. */
  pid: number;
  /** Resolves with a description when the child has ended, however it ended. */
  ended: Promise<string>;
  hasEnded(): boolean;
  lastLines(count?: number): string;
  /** Asks it to end, waits so long, then makes it. */
  stop(boundMs?: number): Promise<void>;
}

/**
 * Runs "$@" until it ends or the pipe on descriptor 3 closes, which happens when we stop it and also when we
 * die, by whatever signal: no child outlives its parent.
 */
const SUPERVISOR = `
"$@" </dev/null 3<&- &
child=$!
( cat <&3 >/dev/null; kill -TERM $child 2>/dev/null; sleep 5; kill -KILL $child 2>/dev/null ) &
watcher=$!
wait $child
code=$?
kill $watcher 2>/dev/null
exit $code
`;

/**
 * Starts a part as a process of its own group, so that Ctrl-C in the terminal reaches only us and we decide
 * the order in which things stop.
 */
export function startChild(settings: ChildSettings): Child {
  mkdirSync(dirname(settings.logFile), { recursive: true });
  const log = openSync(settings.logFile, 'w');
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
  void ended.then(() => {
    over = true;
    lifeline.destroy();
    killGroup(pid); // The supervisor's own helpers.
  });
  return {
    pid,
    ended,
    hasEnded: () => over,
    lastLines: (count = 15) => readFileSync(settings.logFile, 'utf8').trimEnd().split('\n').slice(-count).join('\n'),
    async stop(boundMs = 8_000) {
      if (over) return;
      lifeline.end();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, boundMs)));
      await Promise.race([ended, late]);
      clearTimeout(timer);
      if (!over) killGroup(pid);
      await ended;
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of the group is left, which is what was wanted.
  }
}
