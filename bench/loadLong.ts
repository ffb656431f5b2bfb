import Table from 'cli-table3';
import type { PhaseResult } from './support/loadGenerator';
import { ms, percentile, ratio } from './support/measure';

/** One figure of /metrics, by a pattern of its name. */
async function metricOf(url: string, name: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} ([\\d.e+]+)`, 'm').exec(metrics)?.[1]);
}

/** Overload for minutes, half a minute a row: whether throughput, latency, the limit or the heap drift. */
export async function longRun(
  url: string,
  overload: (rate: number) => Promise<PhaseResult>,
  rate: number,
  minutes: number,
): Promise<void> {
  console.log(`Overload for ${minutes} minutes:`);
  const table = new Table({
    head: ['after', 'served a second', 'refused', 'p99 served', 'active at most', 'heap in use', 'resident'],
    style: { head: [], border: [] },
  });
  const rows: { served: number; heap: number }[] = [];
  for (const end = performance.now() + minutes * 60_000; performance.now() < end;) {
    const { accepted, shed, seconds } = await overload(rate);
    const [heap, resident] = [
      await metricOf(url, 'nodejs_heap_size_used_bytes'),
      await metricOf(url, 'process_resident_memory_bytes'),
    ];
    const limit = await metricOf(url, 'longwatch_http_admission_requests\\{what="limit"\\}');
    rows.push({ served: accepted.length / seconds, heap: heap / 2 ** 20 });
    table.push([
      `${((minutes * 60_000 - (end - performance.now())) / 1_000).toFixed(0)} s`,
      (accepted.length / seconds).toFixed(1),
      shed.length,
      ms(
        percentile(
          accepted.map(([, taken]) => taken),
          99,
        ),
      ),
      limit,
      `${(heap / 2 ** 20).toFixed(0)} MiB`,
      `${(resident / 2 ** 20).toFixed(0)} MiB`,
    ]);
  }
  console.log(table.toString());
  const half = Math.floor(rows.length / 2);
  const [first, last] = [rows.slice(0, half), rows.slice(half)];
  const mean = (some: typeof rows) => some.reduce((sum, { served }) => sum + served, 0) / some.length;
  console.log(
    `Served in the second half over the first: ${ratio(mean(last) / mean(first))}. Heap, the lower of each half: ` +
      `${Math.min(...first.map(({ heap }) => heap)).toFixed(0)} MiB, then ` +
      `${Math.min(...last.map(({ heap }) => heap)).toFixed(0)} MiB.\n`,
  );
}
