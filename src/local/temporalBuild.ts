import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './child';
import type { ObtainedServer } from './temporalDownload';

/** How to build the Temporal CLI. */
export interface BuildSettings {
  /** An empty folder for the build. */
  work: string;
  /** Folder of the build's log. */
  cacheDir: string;
  version: string;
  /** Path of the `go` program, if it is installed. */
  go: string | undefined;
  onStage(stage: string, detail?: string): void;
  signal?: AbortSignal | undefined;
}

const PROGRAM = 'github.com/temporalio/cli/cmd/temporal';

// "go install" refuses the released module, because it refers to cliext by a path that exists only in its own
// repository.
const goMod = (version: string): string => `module longwatch/temporal

go 1.26.4

require github.com/temporalio/cli v${version}

replace github.com/temporalio/cli/cliext => github.com/temporalio/cli/cliext v0.0.0-20260731000218-c579925f193f
`;

/** Builds the Temporal CLI from its Go modules. */
export async function buildTemporal({
  work,
  cacheDir,
  version,
  go,
  onStage,
  signal,
}: BuildSettings): Promise<ObtainedServer> {
  if (!go) return { failed: 'it cannot be built: Go is not installed' };
  const goVersion = spawnSync(go, ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout?.trim() || 'Go of unknown version';
  writeFileSync(join(work, 'go.mod'), goMod(version));
  const logFile = join(cacheDir, 'build.log');
  const executable = join(work, 'temporal');
  const flags = ['-trimpath', `-ldflags=-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${version}`];
  const about = 'building its server, once, about 5 minutes on 2 cores';
  let total = 0;
  const steps: { stage: string; args: string[]; detail(log: string): string }[] = [
    {
      stage: `${about}: resolving modules`,
      args: ['list', '-mod=mod', '-deps', PROGRAM],
      detail: (log) => `${log.match(/^go: downloading /gm)?.length ?? 0} downloaded`,
    },
    {
      stage: `${about}: compiling`,
      args: ['build', '-mod=mod', '-v', ...flags, '-o', executable, PROGRAM],
      detail: (log) => `${packages(log)} of ${total} packages`,
    },
  ];
  for (const { stage, args, detail } of steps) {
    onStage(stage);
    const ended = await run(go, args, work, logFile, signal, (log) => onStage(stage, detail(log)));
    if (!ended.ok)
      return {
        failed:
          `building it with ${goVersion} failed ("go ${args[0]}"; all of it is in ` +
          `${logFile}):\n${indent(ended.lastLines)}`,
      };
    total = packages(readFileSync(logFile, 'utf8'));
  }
  return { executable };
}

/** Runs go as a child process, so that it ends with this process and its output is kept. */
async function run(
  go: string,
  args: string[],
  cwd: string,
  logFile: string,
  signal: AbortSignal | undefined,
  onLog: (log: string) => void,
) {
  // The user's own Go settings (a workspace, vendoring) must not affect the build.
  const env = { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '' };
  signal?.throwIfAborted();
  const child = startChild({ name: 'go', command: go, args, cwd, env, logFile });
  const abort = () => void child.stop();
  signal?.addEventListener('abort', abort);
  const timer = setInterval(() => onLog(readFileSync(logFile, 'utf8')), 1000);
  const how = await child.ended;
  clearInterval(timer);
  signal?.removeEventListener('abort', abort);
  signal?.throwIfAborted();
  return { ok: how === 'ended with code 0', lastLines: child.lastLines(12) };
}

/** Returns the number of packages among go's output lines. */
const packages = (log: string): number => log.match(/^(?!go: ).+$/gm)?.length ?? 0;

const indent = (lines: string): string => lines.replaceAll(/^/gm, '      ');
