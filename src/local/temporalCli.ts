import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { StartError } from './errors';
import { withFileLock } from './fileLock';
import { buildTemporal } from './temporalBuild';
import { downloadTemporal } from './temporalDownload';

/** The version that is downloaded or built; it serves Temporal 1.31.2 and Web UI 2.50.1. */
export const TEMPORAL_CLI_VERSION = '1.8.2';

/** From this server on update-with-start is generally available, and worker deployments exist. */
const OLDEST_SERVER = [1, 28] as const;

export interface FindTemporal {
  /** `TEMPORAL_CLI_PATH`. */
  cliPath?: string;
  /** Told what takes long, and how far it is. */
  onStage(stage: string, detail?: string): void;
  /** Gives up what is under way. */
  signal?: AbortSignal;
  /** Where programs are looked for; default `PATH`. */
  path?: string;
  /** Default `${XDG_CACHE_HOME:-~/.cache}/longwatch/temporal-cli/<version>`, which all checkouts share. */
  cacheDir?: string;
  /** Default the official archive for this platform; `null`: none. */
  downloadUrl?: string | null;
}

/**
 * The `temporal` executable: the one given, the one on PATH, the cached one, a download, or built from its
 * Go modules into the cache.
 * @throws StartError naming every way to a Temporal, and why those tried do not work.
 */
export async function findTemporal(find: FindTemporal): Promise<string> {
  const { executable, unfit } = installedTemporal(find);
  if (executable !== undefined) return executable;
  const path = pathOf(find);
  const { cacheDir, cached } = cacheOf(find);
  try {
    mkdirSync(cacheDir, { recursive: true });
    accessSync(cacheDir, constants.W_OK);
  } catch (error) {
    throw new StartError(
      `Temporal's server would be kept in ${cacheDir}, which cannot be written (${(error as Error).message}). ` +
        'Set XDG_CACHE_HOME to a folder that can',
    );
  }
  const onWait = (holder: number) => find.onStage(`waiting for process ${holder}, which is getting its server`);
  return withFileLock(join(cacheDir, 'lock'), { onWait, signal: find.signal }, async () => {
    if (isExecutable(cached)) return cached; // Whoever had the lock made it.
    const failures = unfit ? [unfit] : [];
    for (const attempt of [downloadTemporal, buildTemporal]) {
      const work = workFolder(cacheDir);
      try {
        const { onStage, signal } = find;
        const url = find.downloadUrl === undefined ? officialArchive() : find.downloadUrl;
        const result = await attempt({
          work,
          cacheDir,
          version: TEMPORAL_CLI_VERSION,
          url,
          go: onPath('go', path),
          onStage,
          signal,
        });
        const fault = 'failed' in result ? result.failed : whyUnfit(result.executable);
        if ('executable' in result && !fault) {
          renameSync(result.executable, cached); // Whole or not at all, whoever is looking.
          return cached;
        }
        failures.push(fault ?? '');
      } finally {
        rmSync(work, { recursive: true, force: true, maxRetries: 5 });
      }
    }
    throw new StartError(fourWays(failures));
  });
}

const pathOf = (find: FindTemporal): string => find.path ?? process.env['PATH'] ?? '';

function cacheOf(find: FindTemporal): { cacheDir: string; cached: string } {
  const cacheDir = find.cacheDir ?? defaultCacheDir();
  return { cacheDir, cached: join(cacheDir, 'temporal') };
}

/**
 * The executable that is on this machine already: the one given, the one on PATH or the cached one. `unfit` says which
 * one is not used, and why.
 * @throws StartError when the one given will not do.
 */
export function installedTemporal(find: FindTemporal): { executable?: string; unfit?: string } {
  if (find.cliPath !== undefined) return { executable: given(find.cliPath) };
  const { cached } = cacheOf(find);
  const installed = onPath('temporal', pathOf(find));
  const why = installed && whyUnfit(installed);
  if (installed && !why) return { executable: installed };
  if (why) find.onStage(`not using ${installed}: ${why}`);
  return {
    ...(isExecutable(cached) && { executable: cached }),
    ...(why && { unfit: `${installed} is not used: ${why}` }),
  };
}

function given(cliPath: string): string {
  if (!isExecutable(cliPath)) throw new StartError(`TEMPORAL_CLI_PATH is ${cliPath}, which is no executable file`);
  const unfit = whyUnfit(cliPath);
  if (unfit) throw new StartError(`TEMPORAL_CLI_PATH is ${cliPath}, which will not do: ${unfit}`);
  return cliPath;
}

/** What a person reads when there is no server, whichever way it was looked for. */
function fourWays(failures: string[]): string {
  return (
    `Temporal's server is needed and could not be had:\n${failures.map((line) => `  - ${line}`).join('\n')}\n\nAny one of these helps:\n` +
    '  1. set TEMPORAL_ADDRESS (host:port) to a Temporal that runs\n' +
    `  2. install the Temporal CLI ${TEMPORAL_CLI_VERSION} so that "temporal" is on PATH, or set ` +
    'TEMPORAL_CLI_PATH to it\n' +
    '  3. let this machine reach temporal.download, from where it is fetched\n' +
    '  4. install Go 1.26.4 or later and let it reach its module proxy: then it is built from source, once, in ' +
    'about 5 minutes'
  );
}

function defaultCacheDir(): string {
  // Empty means unset, as the XDG standard has it.
  const home = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(home, 'longwatch', 'temporal-cli', TEMPORAL_CLI_VERSION);
}

/** On the disk of the cache, so that the result can be renamed into it; what a killed process left is cleared. */
function workFolder(cacheDir: string): string {
  for (const name of readdirSync(cacheDir))
    if (name.startsWith('work-')) rmSync(join(cacheDir, name), { recursive: true, force: true, maxRetries: 5 });
  const folder = join(cacheDir, `work-${process.pid}`);
  mkdirSync(folder);
  return folder;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // Not there, or not ours to run.
  }
}

function onPath(program: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

/** Why a program will not do as our server, with the version that it says it is. `undefined`: it will. */
function whyUnfit(executable: string): string | undefined {
  const { stdout, stderr, status, error } = spawnSync(executable, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n')[0]?.slice(0, 200) ?? '';
  const version = /Server (\d+)\.(\d+)/.exec(said);
  if (error || status !== 0 || !version)
    return `it is no Temporal CLI; asked for its version it says "${said || (error?.message ?? `exit code ${status}`)}"`;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const old = major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1]);
  return old ? `it is too old ("${said}"); its server must be ${OLDEST_SERVER.join('.')} or later` : undefined;
}

function officialArchive(): string | null {
  const platform = ({ linux: 'linux', darwin: 'darwin' } as Record<string, string>)[process.platform];
  const arch = ({ x64: 'amd64', arm64: 'arm64' } as Record<string, string>)[process.arch];
  return platform && arch
    ? `https://temporal.download/cli/archive/v${TEMPORAL_CLI_VERSION}?platform=${platform}&arch=${arch}`
    : null;
}
