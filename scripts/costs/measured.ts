import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Read and write units of one operation. */
export interface Units {
  read: number;
  write: number;
}

/** The results of `npm run bench -- costs`: DynamoDB units, billable Temporal actions, and bytes. */
export interface Measured {
  command: string;
  /** The day of the measurement. */
  date: string;
  /** The DynamoDB that counted the units. */
  engine: string;
  units: {
    sessions: { open: Units; view: Units; touch: Units; logOut: Units; rearm: Units; expire: Units };
    carts: { begin: Units; change: Units; read: Units; checkout: Units; confirm: Units; ladder: Units };
    leaderboards: {
      submission: Units;
      /**
       * By number of players, ascending: the units of one rank read, and of one change in a batch of `together`
       * changes.
       */
      boards: {
        players: number;
        rank: Units;
        rankedChange: { together: number; units: Units }[];
      }[];
    };
    feeds: { follow: Units; post: Units; row: Units; page: Units };
    devices: {
      reading: Units;
      /**
       * By number of readings in a batch of one device, ascending: the units of the batch's rollups. The readings are a
       * minute apart.
       */
      rollups: {
        batch: number;
        units: Units;
      }[];
      archived: Units;
      latest: Units;
    };
    fraud: { payment: Units; counters: Units; case: Units };
    /** Per hour, of a process with API and all workers that gets no requests. */
    restAnHour: Units;
  };
  actions: {
    cartOrdered: number;
    cartLadder: number;
    checkout: number;
    season: number;
    fanOut: number;
    follow: number;
    archivedDay: number;
    case: number;
  };
  bytes: {
    session: number;
    cart: number;
    order: number;
    score: number;
    rankNodes: number;
    post: number;
    row: number;
    reading: number;
    rollup: number;
    archivedReading: number;
    decision: number;
    payment: number;
    /** Of one workflow, averaged over five workflow types. */
    history: number;
  };
}

/** The file of the results. */
export const MEASURED_FILE = join(__dirname, 'measured.json');

/** Reads the results. */
export function readMeasured(): Measured {
  return JSON.parse(readFileSync(MEASURED_FILE, 'utf8')) as Measured;
}
