import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { StartError } from './errors';
import { withFileLock } from './fileLock';
import { buildTemporal } from './temporalBuild';
import { downloadTemporal } from './temporalDownload';

/**
 * The version of the Temporal CLI that is downloaded or built. It contains Temporal server 1.31.2 and Web UI 2.50.1.
 */
export const TEMPORAL_CLI_VERSION = '1.8.2';

/**
 * Oldest supported server: the first one with update-with-start in general availability and with worker deployments.
 */
const OLDEST_SERVER = [1, 28] as const;

/** How to find the Temporal CLI. */
export interface FindTemporal {
  /** Value of `TEMPORAL_CLI_PATH`. */
  cliPath?: string;
  /** Called with the progress of long steps. */
  onStage(stage: string, detail?: string): void;
  /** Aborts a download or build. */
  signal?: AbortSignal;
  /** Search path for programs. Default: `PATH`. */
  path?: string;
  /**
   * Folder of the cached executable. Default: `${XDG_CACHE_HOME:-~/.cache}/longwatch/temporal-cli/<version>`, shared by
   * all checkouts.
   */
  cacheDir?: string;
  /** URL of the archive. Default: the official one for this platform; `null`: no download. */
  downloadUrl?: string | null;
}

/**
 * Returns a `temporal` executable: the given one, the one on PATH, the cached one, a downloaded one, or one that is
 * built from its Go modules. Downloads and builds are cached.
 * @throws StartError listing all ways to get one, and why the tried ones failed
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
    if (isExecutable(cached)) return cached; // The process that held the lock before has already created it.
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
          renameSync(result.executable, cached); // The rename is atomic, so no process sees a partial file.
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
 * Returns an executable that is already on this machine: the given one, the one on PATH or the cached one. `unfit`
 * names the one on PATH if it cannot be used, and why.
 * @throws StartError if the given one cannot be used
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
  if (!isExecutable(cliPath)) throw new StartError(`TEMPORAL_CLI_PATH is ${cliPath}, which is not an executable file`);
  const unfit = whyUnfit(cliPath);
  if (unfit) throw new StartError(`TEMPORAL_CLI_PATH is ${cliPath}, which cannot be used: ${unfit}`);
  return cliPath;
}

/** Returns the error message if no server was found: why each way failed, and all alternatives. */
function fourWays(failures: string[]): string {
  return (
    `Temporal's server is required and could not be found:\n${failures.map((line) => `  - ${line}`).join('\n')}\n\n` +
    'Any one of these helps:\n' +
    '  1. set TEMPORAL_ADDRESS (host:port) to a Temporal that runs\n' +
    `  2. install the Temporal CLI ${TEMPORAL_CLI_VERSION} so that "temporal" is on PATH, or set ` +
    'TEMPORAL_CLI_PATH to it\n' +
    '  3. let this machine reach temporal.download, from where it is fetched\n' +
    '  4. install Go 1.26.4 or later and let it reach its module proxy: then it is built from source, once, in ' +
    'about 5 minutes'
  );
}

function defaultCacheDir(): string {
  // An empty value means unset (XDG Base Directory Specification).
  const home = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(home, 'longwatch', 'temporal-cli', TEMPORAL_CLI_VERSION);
}

/**
 * Creates a work folder on the cache's disk, so that the result can be renamed into the cache. Removes work folders of
 * killed processes.
 */
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
    return false; // The file does not exist, or this user may not run it.
  }
}

function onPath(program: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

/**
 * Returns why a program cannot be used as the server, with the version that it reports; undefined if it can be used.
 */
function whyUnfit(executable: string): string | undefined {
  const { stdout, stderr, status, error } = spawnSync(executable, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n')[0]?.slice(0, 200) ?? '';
  const version = /Server (\d+)\.(\d+)/.exec(said);
  const answer = said || (error?.message ?? `exit code ${status}`);
  if (error || status !== 0 || !version) return `it is not a Temporal CLI; its version output is "${answer}"`;
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
