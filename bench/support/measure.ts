/** Returns the p-th percentile (0 to 100), by the nearest rank. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((p / 100) * sorted.length) - 1))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 50);

/** Runs an operation `samples` times, one after another. @returns the milliseconds of each. */
export async function latencies(samples: number, operation: (i: number) => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < samples; i++) {
    const started = performance.now();
    await operation(i);
    taken.push(performance.now() - started);
  }
  return taken;
}

/**
 * Runs several operations in turn, one after another, so that a stall of the machine affects all alike. The order
 * changes each time, because an operation that follows a call to another process finds colder CPU caches.
 * @returns the milliseconds of each.
 */
export async function latenciesInTurn<Name extends string>(
  samples: number,
  operations: Readonly<Record<Name, (i: number) => Promise<void>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(operations) as Name[];
  const taken = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let i = 0; i < samples; i++)
    for (const name of names
      .map((one) => [Math.random(), one] as const)
      .sort(([a], [b]) => a - b)
      .map(([, one]) => one))
      taken[name].push(...(await latencies(1, () => operations[name](i))));
  return taken;
}

/** Completed operations per second, and the milliseconds of each. */
export interface Throughput {
  perSecond: number;
  taken: number[];
}

/** Keeps `concurrency` operations in flight. */
export async function throughput(
  seconds: number,
  concurrency: number,
  operation: (i: number) => Promise<void>,
): Promise<Throughput> {
  const started = performance.now();
  const end = started + seconds * 1000;
  let next = 0;
  const taken: number[] = [];
  const lane = async () => {
    while (performance.now() < end) {
      const began = performance.now();
      await operation(next++);
      taken.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return { perSecond: taken.length / ((performance.now() - started) / 1000), taken };
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
export const ratio = (value: number): string => `${value.toFixed(2)} ×`;
