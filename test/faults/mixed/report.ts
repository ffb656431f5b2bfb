import Table from 'cli-table3';
import type { Violation } from './capability';
import type { Tally } from './caller';

export interface Checked {
  name: string;
  tally: Tally;
  verified: number;
  violations: Violation[];
}

/** No colours: the tables are for files, too. */
const style = { head: [], border: [] };
const SHOWN = 20;

/** What happened, for people. */
export function report(checked: readonly Checked[], faults: ReadonlyMap<string, number>): string {
  const kinds = new Table({ head: ['fault', 'survived'], style });
  for (const [name, count] of [...faults].sort(([a], [b]) => (a < b ? -1 : 1))) kinds.push([name, count]);
  const operations = new Table({
    head: ['', 'acknowledged', 'refused', 'unknown', 'sent again', 'verified', 'violations'],
    style,
  });
  for (const { name, tally, verified, violations } of checked)
    operations.push([
      name,
      tally.acknowledged,
      tally.refused,
      tally.unknown,
      tally.repeated,
      verified,
      violations.length,
    ]);
  const wrong = checked.flatMap(({ name, violations }) => [
    ...violations
      .slice(0, SHOWN)
      .map(
        ({ operation, acknowledged, found }) =>
          `VIOLATION ${name}: ${operation}\n  acknowledged: ${acknowledged}\n  found:        ${found}\n`,
      ),
    ...(violations.length > SHOWN ? [`and ${violations.length - SHOWN} more of ${name}\n`] : []),
  ]);
  return [kinds.toString(), operations.toString(), ...wrong].join('\n');
}

export function totals(checked: readonly Checked[]): { acknowledged: number; verified: number; violations: number } {
  const sum = (of: (one: Checked) => number) => checked.reduce((total, one) => total + of(one), 0);
  return {
    acknowledged: sum(({ tally }) => tally.acknowledged),
    verified: sum(({ verified }) => verified),
    violations: sum(({ violations }) => violations.length),
  };
}
