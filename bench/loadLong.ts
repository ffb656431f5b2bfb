import Table from 'cli-table3';
import type { PhaseResult } from './support/loadGenerator';
import { ms, percentile, ratio } from './support/measure';

/** Returns a figure of /metrics by a pattern of its name. */
async function metricOf(url: string, name: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} ([\\d.e+]+)`, 'm').exec(metrics)?.[1]);
}

interface Row {
  served: number;
  /** Decisions per second of a closed loop directly after the row's overload, on the same data. */
  capacity: number;
  heapMiB: number;
}

export interface LongRun {
  url: string;
  minutes: number;
  /** Runs half a minute of overload. */
  overload(): Promise<PhaseResult>;
  /** Measures the capacity. @returns decisions per second without overload. */
  capacity(): Promise<number>;
}

/**
 * Runs minutes of overload and prints a row per half minute, to show a drift of throughput, latency, the admission
 * limit or the heap. The embedded database writes more slowly the longer its streams are, so each row also has the
 * capacity on the same data.
 */
export async function longRun({ url, minutes, overload, capacity }: LongRun): Promise<void> {
  console.log(`Overload for ${minutes} minutes:`);
  const table = new Table({
    head: ['after', 'served/s', 'capacity/s', 'ratio', 'refused', 'p99 served', 'active at most', 'heap', 'resident'],
    style: { head: [], border: [] },
  });
  const rows: Row[] = [];
  for (const started = performance.now(); performance.now() - started < minutes * 60_000;) {
    const { accepted, shed, seconds } = await overload();
    const limit = await metricOf(url, 'longwatch_http_admission_requests\\{what="limit"\\}');
    const heapMiB = (await metricOf(url, 'nodejs_heap_size_used_bytes')) / 2 ** 20;
    const residentMiB = (await metricOf(url, 'process_resident_memory_bytes')) / 2 ** 20;
    const row: Row = { served: accepted.length / seconds, capacity: await capacity(), heapMiB };
    rows.push(row);
    const latencies = accepted.map(([, taken]) => taken);
    table.push([
      `${((performance.now() - started) / 1_000).toFixed(0)} s`,
      row.served.toFixed(1),
      row.capacity.toFixed(1),
      ratio(row.served / row.capacity),
      shed.length,
      ms(percentile(latencies, 99)),
      limit,
      `${heapMiB.toFixed(0)} MiB`,
      `${residentMiB.toFixed(0)} MiB`,
    ]);
  }
  console.log(table.toString());
  const half = Math.floor(rows.length / 2);
  const [first, last] = [rows.slice(0, half), rows.slice(half)];
  const share = (some: Row[]) => mean(some, ({ served }) => served) / mean(some, ({ capacity: all }) => all);
  const leastHeap = (some: Row[]) => Math.min(...some.map(({ heapMiB }) => heapMiB)).toFixed(0);
  console.log(
    `Served over capacity: ${ratio(share(first))} in the first half, ${ratio(share(last))} in the second. ` +
      `Heap, the least of each half: ${leastHeap(first)} MiB, then ${leastHeap(last)} MiB.\n`,
  );
}

const mean = (some: readonly Row[], of: (row: Row) => number): number =>
  some.reduce((sum, row) => sum + of(row), 0) / some.length;
