import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { removeDataDir, type RunningStack, startLongwatch } from '../../test/support/stack';
import type { Phase, PhaseResult } from './loadGenerator';

const start = (file: string): ChildProcess => fork(join(__dirname, file), { execArgv: ['--import', 'tsx'] });

/** API keys of the benchmark's callers. */
export const callers = { first: 'first-bench-key-0123456789', second: 'second-bench-key-0123456789' } as const;

export interface LoadedStack {
  stack: RunningStack;
  load(phase: Omit<Phase, 'url' | 'key' | 'name'> & { path?: string; key?: string }): Promise<PhaseResult>;
}

/**
 * Runs a measurement on its own stack, with a load generator and busy neighbours in their own processes. All of them
 * end when the measurement ends.
 */
export async function underLoad<T>(
  env: Record<string, string>,
  neighbours: number,
  measure: (loaded: LoadedStack) => Promise<T>,
): Promise<T> {
  const busy = Array.from({ length: neighbours }, () => start('busyLoop.ts'));
  const generator = start('loadGenerator.ts');
  const keys = `first:admin:${callers.first},second:admin:${callers.second}`;
  const stack = await startLongwatch({
    LONGWATCH_API_KEYS: keys,
    LONGWATCH_CALLER_LIMITS: 'none',
    TEMPORAL_UI_PORT: '0',
    ...env,
  });
  let phases = 0;
  const load: LoadedStack['load'] = ({ path = '/v1/transactions', key = callers.first, ...phase }) =>
    new Promise((resolve, reject) => {
      const name = `load-${++phases}`;
      const failed = () => reject(new Error('The generator ended'));
      const hear = (message: { name: string; result: PhaseResult }) => {
        if (message.name !== name) return;
        generator.off('exit', failed);
        generator.off('message', hear);
        resolve(message.result);
      };
      generator.once('exit', failed);
      generator.on('message', hear);
      generator.send({ url: `${stack.url}${path}`, key, name, ...phase } satisfies Phase);
    });
  try {
    return await measure({ stack, load });
  } finally {
    generator.disconnect();
    for (const one of busy) one.disconnect();
    await stack.stop();
    removeDataDir(stack.dataDir);
  }
}
