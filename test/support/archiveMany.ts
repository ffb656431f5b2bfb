import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import type { ReadingRow } from '../../src/domain/devices/reading';
import { DeviceArchive } from '../../src/gateways/devices/deviceArchive';
import { Objects } from '../../src/gateways/s3/objects';
import { withId } from '../../src/stores/devices/readingId';

/**
 * Writes so many made-up readings of one day to an archive and reads them back, in a process of its own, so that its
 * heap
 * can be bounded from outside: `node --max-old-space-size=… --import tsx archiveMany.ts <endpoint> <bucket> <rows>
 * <bytes of a part>`.
 * Prints the largest heap that it saw, in bytes.
 */
const [endpoint, bucket, rows, partBytes] = process.argv.slice(2) as [string, string, string, string];
const DAY = '2026-01-31';
const PAGE = 5_000;

async function* readings(): AsyncGenerator<ReadingRow[]> {
  for (let from = 0; from < Number(rows); from += PAGE)
    yield Array.from({ length: Math.min(PAGE, Number(rows) - from) }, (_, i) => {
      const n = from + i;
      return {
        deviceId: `device-${String(Math.floor(n / 8_640)).padStart(6, '0')}`,
        timestamp: Date.parse(DAY) + (n % 8_640) * 10_000,
        id: '', // No file has it.
        metrics: JSON.stringify({ humidity: 40 + (n % 100) / 10, temperature: 20 + (n % 77) / 10 }),
      };
    });
}

let peak = 0;
const watch = () => (peak = Math.max(peak, process.memoryUsage().heapUsed));

async function main(): Promise<void> {
  const objects = new Objects({ region: 'us-east-1', bucket, endpoint, credentials: LOCAL_CREDENTIALS });
  await objects.ensureBucket();
  const archive = new DeviceArchive(objects, { partBytes: Number(partBytes) }, withId);
  const timer = setInterval(watch, 20);
  const started = performance.now();
  const parts = await archive.write(readings(), { day: DAY, first: 0, maxParts: 1_000 });
  const written = performance.now();
  let read = 0;
  for (const part of parts)
    for await (const some of archive.rows(DAY, part)) {
      read += some.length;
      watch();
    }
  clearInterval(timer);
  objects.close();
  process.stdout.write(
    JSON.stringify({
      peak,
      parts: parts.length,
      rows: read,
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      writeMs: written - started,
      readMs: performance.now() - written,
    }),
  );
}

void main();
