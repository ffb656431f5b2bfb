import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { readAddresses } from '../src/local/addresses';
import { bar } from './support/bar';
import { residentMiB, ROOT, startedFrom } from './support/processes';
import type { Reached } from './support/targets';

export interface MemoryBenchSettings {
  /** Seconds without a request before the memory is read. */
  seconds: number;
}

const MiB = 2 ** 20;
const KEY = 'bench-key-0123456789abcdef';

interface Held {
  residentMiB: number;
  /** Heap of the main thread. */
  heapMiB: number;
  /** Memory of the main thread outside of its heap: buffers, and what the SDKs hold in native code. */
  externalMiB: number;
  seconds: number;
}

/**
 * Measures the memory of `npm start` and, beside it, of `npm run api` on its parts, at rest: after some time without
 * requests.
 */
export async function benchMemory({ seconds }: MemoryBenchSettings): Promise<Reached[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-bench-memory-'));
  const keys = { LONGWATCH_API_KEYS: `bench:admin:${KEY}`, PORT: '0' };
  const all = await start('start', { ...keys, TEMPORAL_UI_PORT: '0', LONGWATCH_DATA_DIR: dataDir });
  try {
    const { parts } = readAddresses(dataDir)!;
    const api = await start('api', {
      ...keys,
      DYNAMODB_ENDPOINT: parts.DynamoDB,
      SAGEMAKER_ENDPOINT: parts.model,
      TEMPORAL_ADDRESS: parts.Temporal,
      LONGWATCH_SIGNING_SECRET: 'only for a bench of some minutes, on this machine',
    });
    try {
      const progress = bar('seconds of rest', seconds);
      for (let second = 0; second < seconds; second++) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        progress.increment();
      }
      progress.stop();
      return report({ 'npm start': await held(all), 'npm run api': await held(api) });
    } finally {
      await api.end();
    }
  } finally {
    await all.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface Started {
  pid: number;
  url: string;
  seconds: number;
  end(): Promise<void>;
}

async function start(script: 'start' | 'api', env: Record<string, string | undefined>): Promise<Started> {
  const began = performance.now();
  const child = spawn('npm', ['run', '--silent', script], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (part: Buffer) => {
      output += part.toString();
      const [, address] = /Longwatch is running[^]*API +(http:\S+)/.exec(output) ?? [];
      if (address !== undefined) resolve(address);
    });
    void ended.then(() => reject(new Error(`Longwatch ended while starting:\n${output}`)));
  });
  // npm starts a shell, which starts Longwatch or becomes it.
  const pid = startedFrom(child.pid as number, 'scripts/run.cjs');
  return {
    pid,
    url,
    seconds: (performance.now() - began) / 1_000,
    async end() {
      process.kill(pid, 'SIGINT');
      await ended;
    },
  };
}

async function held({ pid, url, seconds }: Started): Promise<Held> {
  const answer = await fetch(new URL('/metrics', url), { headers: { authorization: `Bearer ${KEY}` } });
  const text = await answer.text();
  const gauge = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]) / MiB;
  return {
    residentMiB: residentMiB(pid),
    heapMiB: gauge('nodejs_heap_size_total_bytes'),
    externalMiB: gauge('nodejs_external_memory_bytes'),
    seconds,
  };
}

function report(measured: Record<'npm start' | 'npm run api', Held>): Reached[] {
  const table = new Table({
    head: ['', 'ready after', 'resident', 'heap of the main thread', 'outside of it', 'the rest'],
    style: { head: [], border: [] },
  });
  for (const [name, one] of Object.entries(measured)) {
    const rest = one.residentMiB - one.heapMiB - one.externalMiB;
    table.push([
      name,
      `${one.seconds.toFixed(1)} s`,
      ...[one.residentMiB, one.heapMiB, one.externalMiB, rest].map((value) => `${value.toFixed(0)} MiB`),
    ]);
  }
  console.log(
    `\n${table.toString()}\nThe rest: code, the threads of the workflows (each a V8 isolate), Temporal’s core, and ` +
      'what the allocator has not given back.\n',
  );
  const { 'npm start': all, 'npm run api': api } = measured;
  return [
    { what: 'memory of the main process of npm start, at rest', atMost: 400, reached: all.residentMiB, unit: 'MiB' },
    { what: 'memory of npm run api, at rest', atMost: 250, reached: api.residentMiB, unit: 'MiB' },
    { what: 'npm start is ready after', atMost: 6, reached: all.seconds, unit: 's' },
  ];
}
