import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { systemClock } from '../timing/clock';

/** A lock on a path: a file that names the process that holds it. The lock is valid while that process lives. */
export interface FileLock {
  release(): void;
}

/** A living process holds the lock. */
export class LockedError extends Error {
  override readonly name = 'LockedError';

  constructor(
    file: string,
    /** Id of the process that holds the lock. */
    readonly holder: number,
  ) {
    super(`${file} is held by process ${holder}`);
  }
}

/** State of a process as Linux reports it; undefined on other systems and for a process that does not exist. */
interface ProcessState {
  /** State letter: `R` running, `S` sleeping, `Z` zombie (ended, but its parent has not read the exit code), … */
  state: string;
  /** Start time in the kernel's ticks. It distinguishes the process from a later one with the same id. */
  born: string;
}

function processState(pid: number): ProcessState | undefined {
  try {
    // Fields 3 and 22 of /proc/<pid>/stat (see proc(5)). Field 2 is the name in parentheses, which may contain any
    // characters.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { state: fields[0] ?? '', born: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // The process belongs to another user, but it is alive.
  }
  // A signal also reaches a zombie. A zombie no longer holds the lock.
  return !/[ZXx]/.test(processState(pid)?.state ?? '');
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns the living process that a lock file's content names; undefined if that process has ended. */
function holderOf(content: string): number | undefined {
  const [pid, born] = content.split(' ');
  const id = Number(pid);
  if (!Number.isInteger(id) || id <= 0 || !isAlive(id)) return undefined;
  return born !== '-' && processState(id)?.born !== born ? undefined : id;
}

/** Takes the lock, also from a dead process. @throws LockedError if a living process holds it */
export function takeLock(file: string): FileLock {
  const mine = `${process.pid} ${processState(process.pid)?.born ?? '-'} ${randomBytes(8).toString('hex')}`;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, mine);
  try {
    for (;;) {
      try {
        linkSync(draft, file); // A link is atomic and the file is already written, so no process sees an empty lock.
        return { release: () => release(file, mine) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const found = read(file);
      if (found === undefined) continue; // Race: the holder released the lock after the link failed. Try again.
      const holder = holderOf(found);
      if (holder !== undefined) throw new LockedError(file, holder);
      clear(file, found);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a dead process's lock. Puts the file back if another process replaced it since it was read. */
function clear(file: string, dead: string): void {
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== dead) linkSync(aside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error; // Another process removed the lock, or took it, first.
  } finally {
    rmSync(aside, { force: true });
  }
}

function release(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}

/** Waits for the lock and runs work under it. */
export async function withFileLock<T>(
  file: string,
  waiting: { onWait(holder: number): void; signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const lock = await untilTaken(file, waiting);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function untilTaken(
  file: string,
  { onWait, signal }: { onWait(holder: number): void; signal?: AbortSignal | undefined },
): Promise<FileLock> {
  for (let told = false; ; told = true) {
    try {
      return takeLock(file);
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      if (!told) onWait(error.holder);
    }
    await systemClock.sleep(250, signal);
  }
}
