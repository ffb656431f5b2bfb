import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock on a path: a file that names the process that has it. It counts for as long as that process lives. */
export interface FileLock {
  release(): void;
}

export class LockedError extends Error {
  override readonly name = 'LockedError';

  constructor(
    file: string,
    /** Process id of who has it. */
    readonly holder: number,
  ) {
    super(`${file} is held by process ${holder}`);
  }
}

/** What Linux says of a process; undefined elsewhere, and where there is no such process. */
interface ProcessState {
  /** `R` runs, `S` sleeps, `Z` has ended and waits for its parent to read its exit code, … */
  state: string;
  /** When it began, in the kernel's ticks: tells it from a later process that got the same id. */
  born: string;
}

function processState(pid: number): ProcessState | undefined {
  try {
    // Fields 3 and 22 of proc(5); field 2 is the name in parentheses and may hold anything.
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
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // Somebody else's, but alive.
  }
  // A signal reaches a zombie, too: a killed process whose parent never reads its exit code. It holds nothing any more.
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

/** The process that a lock file's content stands for, if it still lives. */
function holderOf(content: string): number | undefined {
  const [pid, born] = content.split(' ');
  const id = Number(pid);
  if (!Number.isInteger(id) || id <= 0 || !isAlive(id)) return undefined;
  return born !== '-' && processState(id)?.born !== born ? undefined : id;
}

/**
 * Takes the lock, from a dead holder too.
 * @throws LockedError when a living process has it.
 */
export function takeLock(file: string): FileLock {
  const mine = `${process.pid} ${processState(process.pid)?.born ?? '-'} ${randomBytes(8).toString('hex')}`;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, mine);
  try {
    for (;;) {
      try {
        linkSync(draft, file); // Atomic, content and all: nobody sees an empty lock.
        return { release: () => release(file, mine) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const found = read(file);
      if (found === undefined) continue; // Released just now.
      const holder = holderOf(found);
      if (holder !== undefined) throw new LockedError(file, holder);
      clear(file, found);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a dead holder's lock, and puts it back if another process replaced it since it was read. */
function clear(file: string, dead: string): void {
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== dead) linkSync(aside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error; // Another process cleared it, or took its place, first.
  } finally {
    rmSync(aside, { force: true });
  }
}

function release(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}

/** Runs work under a lock, waiting for whoever has it. */
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
    await sleep(250, undefined, signal && { signal });
  }
}
