import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startTestS3, BUCKET } from '../test/support/s3';

const ROOT = join(__dirname, '..');

export interface DevicesMemorySettings {
  rows: number;
  /** Limit of the heap in MB. */
  heap: number;
}

/**
 * Writes a day of `rows` readings to Parquet on the embedded S3 and reads it back, in a process with a limited heap.
 */
export async function benchDevicesMemory({ rows, heap }: DevicesMemorySettings): Promise<void> {
  const s3 = await startTestS3();
  try {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [
        `--max-old-space-size=${heap}`,
        '--import',
        'tsx',
        join(ROOT, 'test/support/archiveMany.ts'),
        s3.endpoint,
        BUCKET,
        String(rows),
        String(1 << 27),
      ],
      {
        encoding: 'utf8',
        cwd: ROOT,
      },
    );
    if (status !== 0) throw new Error(`the process failed with a heap of ${heap} MB:\n${stderr}`);
    const {
      peak,
      parts,
      rows: read,
      bytes,
    } = JSON.parse(stdout) as Record<'peak' | 'parts' | 'rows' | 'bytes', number>;
    console.log(
      `${read} readings written and read back: ${parts} file(s) of ${(bytes / 1e6).toFixed(1)} MB, at most ` +
        `${(peak / 1e6).toFixed(0)} MB of heap in use, under a limit of ${heap} MB.`,
    );
  } finally {
    await s3.stop();
  }
}
