import type { Violation } from './capability';

/**
 * Numbers that a list of summands can add up to, beside those that are certain: each summand counts once or not at all.
 */
export function possibleSums(certain: number, uncertain: readonly number[]): Set<number> {
  let sums = new Set([certain]);
  for (const one of uncertain) sums = new Set([...sums, ...[...sums].map((sum) => sum + one)]);
  return sums;
}

/** Things that only one operation at a time may be about, so that the order of what was acknowledged is known. */
export class Turns {
  private readonly taken = new Set<string>();

  /** Of these the first that is free, or undefined. */
  async with<T>(keys: readonly string[], work: (key: string) => Promise<T>): Promise<T | undefined> {
    const key = keys.find((one) => !this.taken.has(one));
    if (key === undefined) return undefined;
    this.taken.add(key);
    try {
      return await work(key);
    } finally {
      this.taken.delete(key);
    }
  }
}

/** What was wrong at some instant stays wrong, whatever is there later. */
export class Sightings {
  readonly all: Violation[] = [];

  add(operation: string, acknowledged: string, found: string): void {
    this.all.push({ operation, acknowledged, found });
  }
}

/** The list from one of its members on, and round: an order to try them in. */
export function startingAt<T>(list: readonly T[], at: number): T[] {
  return [...list.slice(at), ...list.slice(0, at)];
}
