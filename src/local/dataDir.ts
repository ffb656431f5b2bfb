import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartError } from './errors';
import { type FileLock, LockedError, takeLock } from './fileLock';

/** Free space in MB that a start requires. */
const WANTED_MB = 200;

/** The data folder, locked for this stack. */
export interface DataDir {
  /** Absolute path. */
  path: string;
  /** Releases the lock. */
  release(): void;
}

/**
 * Opens and locks the data folder of the embedded stack.
 * @throws StartError if the folder is not writable, the disk has less than `wantedMb` MB free, or another stack uses
 * the folder
 */
export function openDataDir(folder: string, wantedMb = WANTED_MB): DataDir {
  const path = resolve(folder);
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
    const { bavail, bsize } = statfsSync(path);
    const freeMb = Math.floor((bavail * bsize) / 1_048_576);
    if (freeMb < wantedMb)
      throw new StartError(diskFull(path, `only ${freeMb} MB are free, and ${wantedMb} MB are required`));
    return { path, release: lock(path).release };
  } catch (error) {
    throw error instanceof StartError
      ? error
      : new StartError(notWritable(path, error as NodeJS.ErrnoException), { cause: error });
  }
}

function lock(path: string): FileLock {
  try {
    return takeLock(join(path, 'lock'));
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new StartError(
      `Another Longwatch (process ${error.holder}) uses ${path}. Stop it, or start this one with another folder and ` +
        'port:\n' +
        '  LONGWATCH_DATA_DIR=.longwatch-2 PORT=3001 npm start',
    );
  }
}

function notWritable(path: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path, 'no more data can be written');
  if (code === 'EEXIST' || code === 'ENOTDIR') return `The data folder ${path} is a file or inside a file. ${ANOTHER}`;
  const why = (
    { EACCES: 'no permission', EPERM: 'no permission', EROFS: 'read-only file system' } as Record<string, string>
  )[code ?? ''];
  return `The data folder ${path} cannot be written (${why ?? message}). ${ANOTHER}`;
}

const ANOTHER = 'Set LONGWATCH_DATA_DIR to a writable folder';

const diskFull = (path: string, how: string): string =>
  `The disk with the data folder ${path} is full: ${how}. Free some space, or set LONGWATCH_DATA_DIR to a folder on ` +
  'another disk';
