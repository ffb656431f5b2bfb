import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StartError } from './errors';
import { withFileLock } from './fileLock';

/** The version that is downloaded or built; it serves Temporal 1.31.2 and Web UI 2.50.1. */
export const TEMPORAL_CLI_VERSION = '1.8.2';

export interface FindTemporal {
  /** `TEMPORAL_CLI_PATH`. */
  cliPath?: string;
  /** Told what takes long. */
  onStage(stage: string): void;
  /** For tests: other places to look in. */
  path?: string;
  cacheDir?: string;
  downloadUrl?: string | null;
}

/**
 * The `temporal` executable: the one given, the one on PATH, the cached one, a download, or built from its
 * Go modules into the cache, which all checkouts share.
 * @throws StartError saying all four ways.
 */
export async function findTemporal(find: FindTemporal): Promise<string> {
  if (find.cliPath !== undefined) {
    if (isExecutable(find.cliPath)) return find.cliPath;
    throw new StartError(`TEMPORAL_CLI_PATH is ${find.cliPath}, which is no executable file`);
  }
  const path = find.path ?? process.env['PATH'] ?? '';
  const installed = onPath('temporal', path);
  if (installed) return installed;
  const cacheDir = find.cacheDir ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'longwatch', 'temporal-cli', TEMPORAL_CLI_VERSION);
  const cached = join(cacheDir, 'temporal');
  if (isExecutable(cached)) return cached;
  try {
    mkdirSync(cacheDir, { recursive: true });
  } catch (error) {
    throw new StartError(`The cache folder ${cacheDir} cannot be made (${(error as Error).message}). Set XDG_CACHE_HOME to a folder that can be written`);
  }
  return withFileLock(join(cacheDir, 'lock'), () => find.onStage('waiting for another process that builds it'), async () => {
    if (isExecutable(cached)) return cached;
    const url = find.downloadUrl === undefined ? defaultDownload() : find.downloadUrl;
    const notDownloaded = url === null ? 'no archive for this platform' : await download(url, cached, find.onStage);
    if (notDownloaded === undefined) return cached;
    await build(cached, path, notDownloaded, find.onStage);
    return cached;
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return existsSync(file);
  } catch {
    return false; // Not there, or not ours to run.
  }
}

function onPath(program: string, path: string): string | undefined {
  return path.split(delimiter).filter(Boolean).map((folder) => join(folder, program)).find(isExecutable);
}

function defaultDownload(): string | null {
  const platform = ({ linux: 'linux', darwin: 'darwin' } as Record<string, string>)[process.platform];
  const arch = ({ x64: 'amd64', arm64: 'arm64' } as Record<string, string>)[process.arch];
  if (!platform || !arch) return null;
  return `https://temporal.download/cli/archive/v${TEMPORAL_CLI_VERSION}?platform=${platform}&arch=${arch}`;
}

/** @returns why it could not be downloaded, or undefined. */
async function download(url: string, target: string, onStage: (stage: string) => void): Promise<string | undefined> {
  onStage('downloading');
  const folder = mkdtempSync(`${target}-download-`);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
    if (!response.ok || !response.body) return `the download answered ${response.status}`;
    const tar = spawn('tar', ['-xz', '-C', folder, 'temporal'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const unpacked = new Promise<number | null>((resolve) => {
      tar.once('exit', resolve);
      tar.once('error', () => resolve(null));
    });
    await pipeline(response.body, tar.stdin);
    if ((await unpacked) !== 0) return 'the downloaded archive could not be unpacked';
    // Whole or not at all, whoever is looking.
    renameSync(join(folder, 'temporal'), target);
    return undefined;
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code;
    return `the download failed (${cause ?? (error as Error).message})`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const GO_MOD = `module longwatch/temporal

go 1.26.4

require github.com/temporalio/cli v${TEMPORAL_CLI_VERSION}

// The released module refers to this one by a local path, which only its own checkout has.
replace github.com/temporalio/cli/cliext => github.com/temporalio/cli/cliext v0.0.0-20260731000218-c579925f193f
`;
const GO_SOURCE = `package main

import _ "github.com/temporalio/cli/cmd/temporal"

func main() {}
`;

function otherWays(reason: string): string {
  return (
    `Temporal's server is needed, and there is none: ${reason}\nAny one of these helps:\n` +
    '  - set TEMPORAL_ADDRESS to a Temporal that runs (host:port)\n' +
    '  - install the temporal command line tool, so that it is on PATH, or set TEMPORAL_CLI_PATH to it\n' +
    '  - let this machine reach temporal.download, from where it is fetched\n' +
    '  - install Go 1.26.4 or later, with which it is built from its modules in about five minutes'
  );
}

/** Builds the tool from its Go modules. @throws StartError with the last lines of a failed build. */
async function build(target: string, path: string, notDownloaded: string, onStage: (stage: string) => void): Promise<void> {
  const go = onPath('go', path);
  if (!go) throw new StartError(otherWays(`${notDownloaded}, and Go is not installed.`));
  const version = spawnSync(go, ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout.trim();
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-temporal-'));
  try {
    writeFileSync(join(folder, 'go.mod'), GO_MOD);
    writeFileSync(join(folder, 'main.go'), GO_SOURCE);
    onStage('building it from its Go modules, once, about 5 minutes on 2 cores: resolving modules');
    await run(go, ['mod', 'tidy'], folder, version);
    onStage('building it from its Go modules, once, about 5 minutes on 2 cores: compiling');
    const built = join(folder, 'temporal');
    const flags = ['build', '-trimpath', '-ldflags=-s -w', '-o', built];
    await run(go, [...flags, 'github.com/temporalio/cli/cmd/temporal'], folder, version);
    const beside = `${target}.${process.pid}`;
    const copied = spawnSync('cp', [built, beside]);
    if (copied.status !== 0) throw new StartError(`The built server could not be copied into the cache: ${String(copied.stderr)}`);
    renameSync(beside, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(go: string, args: string[], cwd: string, version: string): Promise<void> {
  const child: ChildProcess = spawn(go, args, { cwd, env: { ...process.env, CGO_ENABLED: '0' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (part: Buffer) => (output = (output + part.toString()).slice(-20_000));
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const stop = () => child.kill();
  process.once('exit', stop);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  process.removeListener('exit', stop);
  if (code === 0) return;
  const last = output.trim().split('\n').slice(-12).join('\n');
  throw new StartError(otherWays(`"go ${args.slice(0, 2).join(' ')}" with ${version || 'Go'} failed.\n${last}\n`));
}

