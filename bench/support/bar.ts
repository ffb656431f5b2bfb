import { SingleBar } from 'cli-progress';

/** Starts a progress bar of `total` steps. */
export function bar(what: string, total: number): SingleBar {
  const made = new SingleBar({
    format: `{bar} {value} of {total} ${what} | {duration_formatted}`,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  made.start(total, 0);
  return made;
}
