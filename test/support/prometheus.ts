import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { startOnFreePort } from './ports';
import { eventually } from './stack';

/**
 * A program of Prometheus: in the folder `PROMETHEUS_PATH`, or on the path (Debian: apt-get install prometheus).
 * @returns undefined where there is none; says so once, since what needs it is then not tested.
 */
export function findPrometheus(program: 'prometheus' | 'promtool'): string | undefined {
  const folder = process.env['PROMETHEUS_PATH'];
  const path = folder === undefined ? onPath(program) : join(folder, program);
  if (path !== undefined && existsSync(path)) return path;
  process.stderr.write(
    `There is no ${program} here (Debian: apt-get install prometheus, or PROMETHEUS_PATH set to a folder with ` +
      'it): rules and queries are parsed, not run\n',
  );
  return undefined;
}

function onPath(program: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

export interface RunningPrometheus {
  /** An instant query. @throws where it is refused. */
  query(expression: string): Promise<{ metric: Record<string, string> }[]>;
  rules(): Promise<{ name: string; health: string; lastError?: string }[]>;
  stop(): Promise<void>;
}

/** Prometheus with our rules, scraping one process twice a second as `longwatch-api`. */
export async function startPrometheus(executable: string, target: string): Promise<RunningPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-prometheus-'));
  const file = join(folder, 'prometheus.yml');
  writeFileSync(
    file,
    stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '1s' },
      rule_files: [resolve('deploy/observability/alerts.yml')],
      scrape_configs: [{ job_name: 'longwatch-api', static_configs: [{ targets: [target] }] }],
    }),
  );
  const { port, child } = await startOnFreePort({
    name: 'prometheus',
    command: executable,
    args: (free) => [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${free}`,
      '--log.level=error',
    ],
    logFile: join(folder, 'prometheus.log'),
  });
  const ask = async <T>(path: string): Promise<T> => {
    const answer = (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()) as {
      status: string;
      error?: string;
      data: T;
    };
    if (answer.status !== 'success') throw new Error(`Prometheus refuses ${path}: ${answer.error}`);
    return answer.data;
  };
  await eventually(
    () =>
      fetch(`http://127.0.0.1:${port}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    (ready) => ready || child.hasEnded(),
  );
  if (child.hasEnded()) throw new Error(`Prometheus ended while starting:\n${child.lastLines()}`);
  return {
    query: async (expression) =>
      (await ask<{ result: { metric: Record<string, string> }[] }>(`query?query=${encodeURIComponent(expression)}`))
        .result,
    rules: async () =>
      (
        await ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>('rules')
      ).groups.flatMap(({ rules }) => rules),
    async stop() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
