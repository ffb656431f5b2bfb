import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { built } from './built';
import { eventually } from './stack';

export interface RunningApi {
  url: string;
  process: ChildProcess;
}

/** `npm run api` in a process of its own, on a free port; the environment says where its parts are. */
export async function startApi(environment: Record<string, string | undefined>): Promise<RunningApi> {
  const api = spawn(process.execPath, [built('src/main.ts'), 'api'], {
    cwd: join(__dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment, NODE_OPTIONS: '', PORT: '0' },
  });
  let output = '';
  api.stdout.on('data', (part: Buffer) => (output += part.toString()));
  await eventually(async () => api.exitCode !== null || /API +http/.test(output), Boolean);
  const url = /API +(http:\S+)/.exec(output)?.[1];
  if (url === undefined) throw new Error(`The API ended while starting:\n${output}`);
  return { url, process: api };
}

/** As `kill` does, and waits until it is gone. */
export async function endApi({ process: api }: RunningApi, signal: 'SIGKILL' | 'SIGINT' = 'SIGKILL'): Promise<void> {
  const ended = new Promise((resolve) => api.once('exit', resolve));
  api.kill(signal);
  await ended;
}
