import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartError } from './errors';
import { releaseLock, takeLock } from './fileLock';

const WANTED_MB = 200;

/**
 * Opens the folder that the embedded stack keeps its data in, for this process alone.
 * @returns its absolute path and how to give it back.
 * @throws StartError when it cannot be written, the disk is full, or another stack uses it.
 */
export function openDataDir(folder: string): { path: string; release(): void } {
  const path = resolve(folder);
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC') throw new StartError(diskFull(path));
    throw new StartError(`The data folder ${path} cannot be written (${code}). Set LONGWATCH_DATA_DIR to one that can`);
  }
  const { bavail, bsize } = statfsSync(path);
  if ((bavail * bsize) / 1_048_576 < WANTED_MB) throw new StartError(diskFull(path));
  const lock = join(path, 'lock');
  let holder: number | undefined;
  try {
    holder = takeLock(lock);
  } catch (error) {
    throw new StartError(`The data folder ${path} cannot be written (${(error as NodeJS.ErrnoException).code}). Set LONGWATCH_DATA_DIR to one that can`);
  }
  if (holder !== undefined)
    throw new StartError(
      `Another Longwatch (process ${holder}) uses ${path}. Stop it, or start this one beside it:\n` +
        '  LONGWATCH_DATA_DIR=.longwatch-2 PORT=3001 npm start',
    );
  return { path, release: () => releaseLock(lock) };
}

const diskFull = (path: string): string =>
  `Less than ${WANTED_MB} MB are free where ${path} is. Make room, or set LONGWATCH_DATA_DIR to a folder on another disk`;
