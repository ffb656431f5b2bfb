import type { Day } from './days';

/** A file of an archived day. */
export interface Part {
  /** `part-00000.parquet`. */
  name: string;
  rows: number;
  bytes: number;
  /** Of the file, in hex. */
  sha256: string;
  /** Epoch ms of the oldest and the newest reading. */
  minTime: number;
  maxTime: number;
}

/** All that is archived of a day. Says nothing of when it was written: the same rows give the same bytes. */
export interface Manifest {
  day: Day;
  /** Grows with every archive of the day. */
  generation: number;
  rows: number;
  parts: readonly Part[];
}

/** Where an archived day stands. */
export const archiveStates = ['deleting', 'archived', 'restoring', 'restored', 'expired'] as const;
/**
 * `deleting`: verified, its rows are leaving the table; `archived`: they have left; `restoring`, `restored`: they are
 * (coming) back; `expired`: its files were deleted by age.
 */
export type ArchiveState = (typeof archiveStates)[number];

export interface ArchivedDay {
  day: Day;
  generation: number;
  state: ArchiveState;
  rows: number;
  bytes: number;
  parts: number;
  /** Epoch ms. */
  archivedAt: number;
  /** Epoch ms; since when it is in its state. */
  since: number;
}

/** Part of the work on a day, done by one activity: some of its devices, and the numbers of its files. */
export interface Lane {
  buckets: readonly number[];
  firstPart: number;
}

/** What is to be done to archive a day. */
export interface ArchivePlan {
  day: Day;
  /** Of the manifest to be written. */
  generation: number;
  lanes: readonly Lane[];
  /** Rows that the manifest before has are back in the table. */
  isRestored: boolean;
}

const ROOT = 'device_data';
const number = (n: number): string => String(n).padStart(5, '0');

/** Hive layout: query engines take the folder's name as a column. */
export const dayPrefix = (day: Day): string => `${ROOT}/dt=${day}/`;
export const partName = (n: number): string => `part-${number(n)}.parquet`;
export const partKey = (day: Day, name: string): string => `${dayPrefix(day)}${name}`;
/** Engines pass over names that begin with an underscore. */
export const manifestKey = (day: Day, generation: number): string =>
  `${dayPrefix(day)}_manifest-${number(generation)}.json`;

/** The number of the first part after some. */
export function nextPart(parts: readonly Pick<Part, 'name'>[]): number {
  return Math.max(-1, ...parts.map(({ name }) => Number(/\d+/.exec(name)?.[0]))) + 1;
}

export function manifestOf(day: Day, generation: number, parts: readonly Part[]): Manifest {
  const sorted = [...parts].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { day, generation, rows: sorted.reduce((sum, { rows }) => sum + rows, 0), parts: sorted };
}

/** Lanes write parts side by side; each has so many numbers of its own. */
export const PARTS_PER_LANE = 100;
const DEVICES_PER_LANE = 2_000;
const MAX_LANES = 8;

/** Lanes for so many devices over some buckets, with numbers from `firstPart` on: the same for the same day. */
export function lanesOf(devices: number, buckets: number, firstPart: number): Lane[] {
  const count = Math.max(1, Math.min(MAX_LANES, Math.ceil(devices / DEVICES_PER_LANE)));
  return Array.from({ length: count }, (_, lane) => ({
    buckets: Array.from({ length: buckets }, (__, bucket) => bucket).filter((bucket) => bucket % count === lane),
    firstPart: firstPart + lane * PARTS_PER_LANE,
  }));
}
