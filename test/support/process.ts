import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from './stack';
import { built } from './built';

export interface RunningProcess {
  process: ChildProcess;
  output(): string;
  /** What the pattern's group found in the output, once it is there. @throws when the process ends before. */
  said(pattern: RegExp): Promise<string>;
  /** Sends the signal. @returns exit code and how long it took. */
  end(signal?: NodeJS.Signals): Promise<{ code: number | null; ms: number }>;
}

/**
 * `npm start`, `npm run api` or `npm run worker`, in a process of its own; the environment says where its parts are.
 * `folder`: of a build, in place of the sources.
 */
export function startProcess(
  mode: 'all' | 'api' | 'worker',
  environment: Record<string, string | undefined>,
  folder?: string,
): RunningProcess {
  const child = spawn(process.execPath, [folder === undefined ? built('src/main.ts') : 'dist/main.js', mode], {
    cwd: folder ?? join(__dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LONGWATCH_LOG_LEVEL: 'error', NODE_OPTIONS: '', ...environment, PORT: '0' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    process: child,
    output: () => output,
    async said(pattern) {
      await eventually(async () => child.exitCode !== null || pattern.test(output), Boolean);
      const found = pattern.exec(output)?.[1];
      if (found === undefined) throw new Error(`The process ended before it said ${pattern}:\n${output}`);
      return found;
    },
    async end(signal = 'SIGTERM') {
      const from = performance.now();
      child.kill(signal);
      return { code: await ended, ms: performance.now() - from };
    },
  };
}
