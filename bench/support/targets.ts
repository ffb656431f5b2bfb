import Table from 'cli-table3';

/** A target and what a benchmark reached. Exactly one of the limits is given. */
export interface Reached {
  what: string;
  /** The target is at most this value. */
  atMost?: number;
  /** The target is at least this value. */
  atLeast?: number;
  reached: number;
  /** Default: a ratio. */
  unit?: 'ms' | 's' | 'MiB' | '/s';
}

/** Prints a table: each target, the measured value, and whether the target is met. */
export function printReached(all: readonly Reached[]): void {
  const table = new Table({ head: ['', 'target', 'reached', ''], style: { head: [], border: [] } });
  for (const { what, atMost, atLeast, reached, unit } of all) {
    const isMet = atMost === undefined ? reached >= atLeast! : reached <= atMost;
    const text = (value: number) => (unit === undefined ? `${value.toFixed(2)} ×` : `${round(value)} ${unit}`);
    table.push([
      what,
      atMost === undefined ? `at least ${text(atLeast!)}` : `at most ${text(atMost)}`,
      text(reached),
      isMet ? 'met' : 'missed',
    ]);
  }
  console.log(`${table.toString()}\n`);
}

const round = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
