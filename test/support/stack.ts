import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as bundles from './bundle';
import { eventually } from './eventually';
import { built } from './built';

export { eventually } from './eventually';

export interface Answer {
  status: number;
  text: string;
  /** The parsed body; tests say what they expect of it. */
  // oxlint-disable-next-line typescript/no-explicit-any
  json: any;
  headers: Headers;
}

export interface RunningStack {
  url: string;
  key: string;
  dataDir: string;
  process: ChildProcess;
  output(): string;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** Ctrl-C. @returns the exit code. */
  stop(): Promise<number | null>;
}

/**
 * The product as a user starts it, on free ports, with a data folder of its own. The first run may build Temporal's
 * server.
 */
export async function startLongwatch(
  env: Record<string, string> = {},
  dataDir = mkdtempSync(join(tmpdir(), 'longwatch-test-')),
): Promise<RunningStack> {
  // Only here: it loads Temporal's native code, which most of whom use this file do not need.
  const { workflowBundle } = require('./bundle') as typeof bundles;
  const { codePath } = await workflowBundle();
  let output = '';
  const child = spawn(process.execPath, [built('src/main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      PORT: '0',
      LONGWATCH_DATA_DIR: dataDir,
      LONGWATCH_LOG_LEVEL: 'error',
      LONGWATCH_WORKFLOW_BUNDLE: codePath,
      // Shared machines stall for longer than a payment may take.
      LONGWATCH_MODEL_DEADLINE_MS: '10000',
      LONGWATCH_DECISION_DEADLINE_MS: '20000',
      ...env,
    },
  });
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  child.stderr.on('data', (part: Buffer) => (output += part.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let over = false;
  void ended.then(() => (over = true));
  // The first start on a machine may build Temporal's server.
  await eventually(
    () => (over ? 'ended' : output),
    (said) => said === 'ended' || /API +http/.test(said),
    { withinMs: 15 * 60_000 },
  );
  if (over) throw new Error(`Longwatch ended while starting:\n${output}`);
  const url = /API +(http:\S+)/.exec(output)![1]!;
  const { apiKey } = JSON.parse(readFileSync(join(dataDir, 'secrets.json'), 'utf8')) as { apiKey: string };
  const call = async (path: string, init: RequestInit) => {
    const response = await fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${apiKey}`, ...init.headers },
    });
    const text = await response.text();
    return {
      status: response.status,
      text,
      json: text.startsWith('{') ? JSON.parse(text) : undefined,
      headers: response.headers,
    };
  };
  return {
    url,
    key: apiKey,
    dataDir,
    process: child,
    output: () => output,
    post: (path, body, headers = {}) =>
      call(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    get: (path) => call(path, {}),
    async stop() {
      child.kill('SIGINT');
      return ended;
    },
  };
}

export function removeDataDir(dataDir: string): void {
  rmSync(dataDir, { recursive: true, force: true });
}
