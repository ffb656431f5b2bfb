import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(__dirname, '..', '..');
const MiB = 2 ** 20;

/** Returns all descendants of a process. Linux only: without /proc, memory is not measured. */
export function descendantsOf(parent: number): number[] {
  if (!existsSync('/proc')) return [];
  const pids = readdirSync('/proc').map(Number).filter(Boolean);
  const children = pids.filter((pid) => statOf(pid)?.parent === parent);
  return [...children, ...children.flatMap(descendantsOf)];
}

/** Returns the resident memory of a process. */
export const residentMiB = (pid: number): number => (statOf(pid)?.residentPages ?? 0) * (4_096 / MiB);

function statOf(pid: number): { parent: number; residentPages: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name in parentheses may contain spaces: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), residentPages: Number(fields[21]) };
  } catch {
    return undefined; // The process has ended.
  }
}

/** Returns the process that runs a script: a process or the descendant of it that is no shell. */
export function startedFrom(pid: number, script: string): number {
  for (const one of [pid, ...descendantsOf(pid)]) {
    const [program = '', ...args] = readFileSync(`/proc/${one}/cmdline`, 'utf8').split('\0');
    if (program.endsWith('node') && args.includes(script)) return one;
  }
  throw new Error(`No process of ${pid} runs ${script}`);
}
