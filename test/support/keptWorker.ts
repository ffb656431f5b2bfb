import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { workflowBundle } from './bundle';
import { built } from './built';

const ROOT = join(__dirname, '..', '..');

export interface KeptWorker {
  /** SIGKILL; another one starts at once. */
  kill(): void;
  /** How many were killed, by us or by themselves. */
  deaths(): number;
  stop(): void;
}

/**
 * A worker in a process of its own, started again whenever it dies, as a process manager would.
 * @param script The arguments of Node; default the product's own worker.
 */
export async function keepWorker(
  environment: Record<string, string | undefined>,
  script: readonly string[] = ['src/main.ts', 'worker'],
): Promise<KeptWorker> {
  const env = {
    ...process.env,
    LONGWATCH_LOG_LEVEL: 'error',
    ...environment,
    NODE_OPTIONS: '',
    LONGWATCH_WORKFLOW_BUNDLE: (await workflowBundle()).codePath,
  };
  let worker: ChildProcess;
  let deaths = 0;
  let over = false;
  const start = () => {
    worker = spawn(process.execPath, [built(script[0] as string), ...script.slice(1)], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
      env,
    });
    worker.once('exit', (_, signal) => {
      if (over) return;
      if (signal === 'SIGKILL') deaths++;
      start();
    });
  };
  start();
  return {
    kill: () => void worker.kill('SIGKILL'),
    deaths: () => deaths,
    stop() {
      over = true;
      worker.kill('SIGKILL');
    },
  };
}
