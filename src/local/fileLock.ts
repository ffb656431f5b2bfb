import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The process that holds a lock file, if it lives. A dead holder's lock does not count. */
export function lockHolder(file: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // Nobody holds it.
  }
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined;
  }
}

/** Takes a lock file. @returns the holder's process id when somebody else has it. */
export function takeLock(file: string): number | undefined {
  for (let tries = 0; tries < 3; tries++) {
    try {
      const handle = openSync(file, 'wx');
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = lockHolder(file);
      if (holder !== undefined && holder !== process.pid) return holder;
      rmSync(file, { force: true });
    }
  }
  return lockHolder(file) ?? 0;
}

export function releaseLock(file: string): void {
  rmSync(file, { force: true });
}

/** Runs work under a lock file, waiting for whoever has it. */
export async function withFileLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  let told = false;
  while (takeLock(file) !== undefined) {
    if (!told) onWait();
    told = true;
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    releaseLock(file);
  }
}
