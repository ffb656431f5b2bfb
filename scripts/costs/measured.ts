import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Read and write units of one operation. */
export interface Units {
  read: number;
  write: number;
}

/** What `npm run bench -- costs` measures and writes: units of DynamoDB, billable actions of Temporal, bytes. */
export interface Measured {
  command: string;
  /** The day, and the engine that counted the units. */
  date: string;
  engine: string;
  units: {
    sessions: { open: Units; view: Units; touch: Units; logOut: Units; rearm: Units; expire: Units };
    carts: { begin: Units; change: Units; read: Units; checkout: Units; confirm: Units; ladder: Units };
    leaderboards: {
      submission: Units;
      /** By players, ascending: a rank that is read, and a change that comes with so many others at once. */ boards: {
        players: number;
        rank: Units;
        rankedChange: { together: number; units: Units }[];
      }[];
    };
    feeds: { follow: Units; post: Units; row: Units; page: Units };
    devices: {
      reading: Units;
      /** Of a batch of a device, readings a minute apart; by how many, ascending. */ rollups: {
        batch: number;
        units: Units;
      }[];
      archived: Units;
      latest: Units;
    };
    fraud: { payment: Units; counters: Units; case: Units };
    /** Of a process with API and all workers, an hour, while nothing is asked. */
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
    /** Of a workflow, on average over five kinds. */ history: number;
  };
}

export const MEASURED_FILE = join(__dirname, 'measured.json');

export function readMeasured(): Measured {
  return JSON.parse(readFileSync(MEASURED_FILE, 'utf8')) as Measured;
}
