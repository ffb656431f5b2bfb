import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { capabilities } from '../src/graph/capabilities';
import { bar } from './support/bar';
import { median } from './support/measure';
import { descendantsOf, residentMiB, ROOT } from './support/processes';

/** Long enough for the standing workflows to start. */
const SETTLED_MS = 5_000;

interface Start {
  seconds: number;
  /** Resident memory of the process, and of the embedded servers that it started. */
  ownMiB: number;
  partsMiB: number;
}

/**
 * Measures the time until `node dist/main.js` is ready and its memory then, with all capabilities and with each alone.
 */
export async function benchStart({ rounds }: { rounds: number }): Promise<void> {
  if (!existsSync(join(ROOT, 'dist', 'main.js'))) execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT });
  const chosen = ['all', ...capabilities.map(({ name }) => name)];
  const all = new Map<string, Start[]>(chosen.map((name) => [name, []]));
  const progress = bar('starts', rounds * chosen.length);
  for (let round = 0; round < rounds; round++)
    for (const name of chosen) {
      all.get(name)?.push(await startOf(name));
      progress.increment();
    }
  progress.stop();
  const table = new Table({
    head: ['LONGWATCH_CAPABILITIES', 'ready after', 'memory of the process', 'memory of the embedded parts'],
    style: { head: [], border: [] },
  });
  for (const [name, starts] of all) {
    const of = (figure: (start: Start) => number) => median(starts.map(figure));
    table.push([
      name,
      `${of(({ seconds }) => seconds).toFixed(1)} s`,
      `${of(({ ownMiB }) => ownMiB).toFixed(0)} MiB`,
      `${of(({ partsMiB }) => partsMiB).toFixed(0)} MiB`,
    ]);
  }
  console.log(
    `\n${table.toString()}\nMedians of ${rounds} starts each; resident memory ${SETTLED_MS / 1_000} s after.`,
  );
}

async function startOf(name: string): Promise<Start> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-bench-start-'));
  const began = performance.now();
  const child = spawn(process.execPath, [join('dist', 'main.js')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PORT: '0',
      TEMPORAL_UI_PORT: '0',
      LONGWATCH_DATA_DIR: dataDir,
      ...(name !== 'all' && { LONGWATCH_CAPABILITIES: name }),
    },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (part: Buffer) => {
        output += part.toString();
        if (output.includes('Longwatch is running')) resolve();
      });
      void ended.then(() => reject(new Error(`Longwatch ended while starting:\n${output}`)));
    });
    const seconds = (performance.now() - began) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    const parts = descendantsOf(child.pid as number);
    const partsMiB = parts.reduce((sum, pid) => sum + residentMiB(pid), 0);
    return { seconds, ownMiB: residentMiB(child.pid as number), partsMiB };
  } finally {
    child.kill('SIGINT');
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  }
}
