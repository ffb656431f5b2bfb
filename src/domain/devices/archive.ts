import type { Day } from './days';

/** A file of an archived day. */
export interface ArchiveFile {
  /** `part-00000.parquet`. */
  name: string;
  rows: number;
  bytes: number;
  /** SHA-256 of the file, in hexadecimal. */
  sha256: string;
  /** Epoch ms of the oldest and the newest reading. */
  minTime: number;
  maxTime: number;
}

/** The list of an archived day's files. It contains no time of writing: the same rows give the same bytes. */
export interface Manifest {
  day: Day;
  /** Incremented with every archive of the day. */
  generation: number;
  rows: number;
  parts: readonly ArchiveFile[];
}

/** The states of an archived day. */
export const archiveStates = ['deleting', 'archived', 'restoring', 'restored', 'expired'] as const;
/**
 * One of {@link archiveStates}. `deleting`: the files are verified and the rows are being deleted from the table.
 * `archived`: the rows are deleted. `restoring`, `restored`: the rows are being written back, or are back. `expired`:
 * the files were deleted because of their age.
 */
export type ArchiveState = (typeof archiveStates)[number];

/** The record of an archived day. */
export interface ArchivedDay {
  day: Day;
  generation: number;
  state: ArchiveState;
  rows: number;
  bytes: number;
  parts: number;
  /** Epoch ms. */
  archivedAt: number;
  /** Epoch ms of the last change of the state. */
  since: number;
}

/** The share of one activity in the work on a day: some of its device buckets, and the numbers of its files. */
export interface Lane {
  buckets: readonly number[];
  firstPart: number;
}

/** The plan to archive a day. */
export interface ArchivePlan {
  day: Day;
  /** The generation of the new manifest. */
  generation: number;
  lanes: readonly Lane[];
  /** Whether rows of the previous manifest are back in the table. */
  isRestored: boolean;
}

const ROOT = 'device_data';
const number = (n: number): string => String(n).padStart(5, '0');

/**
 * Returns the key prefix of a day's files. It has the Hive layout: query engines read the folder's name as a column.
 */
export const dayPrefix = (day: Day): string => `${ROOT}/dt=${day}/`;
/** Returns the name of a file. */
export const partName = (n: number): string => `part-${number(n)}.parquet`;
/** Returns the key of a file. */
export const partKey = (day: Day, name: string): string => `${dayPrefix(day)}${name}`;
/** Returns the key of a manifest. Query engines ignore names that begin with an underscore. */
export const manifestKey = (day: Day, generation: number): string =>
  `${dayPrefix(day)}_manifest-${number(generation)}.json`;

/** Returns the number after the highest number of some files. */
export function nextPart(parts: readonly Pick<ArchiveFile, 'name'>[]): number {
  return Math.max(-1, ...parts.map(({ name }) => Number(/\d+/.exec(name)?.[0]))) + 1;
}

/** Returns the manifest of some files. */
export function manifestOf(day: Day, generation: number, parts: readonly ArchiveFile[]): Manifest {
  const sorted = [...parts].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { day, generation, rows: sorted.reduce((sum, { rows }) => sum + rows, 0), parts: sorted };
}

/** Lanes write files in parallel, so each has this many file numbers of its own. */
export const PARTS_PER_LANE = 100;
const DEVICES_PER_LANE = 2_000;
const MAX_LANES = 8;

/** Returns the lanes for a number of devices, with file numbers from `firstPart`. The same day gives the same lanes. */
export function lanesOf(devices: number, buckets: number, firstPart: number): Lane[] {
  const count = Math.max(1, Math.min(MAX_LANES, Math.ceil(devices / DEVICES_PER_LANE)));
  return Array.from({ length: count }, (_, lane) => ({
    buckets: Array.from({ length: buckets }, (__, bucket) => bucket).filter((bucket) => bucket % count === lane),
    firstPart: firstPart + lane * PARTS_PER_LANE,
  }));
}
