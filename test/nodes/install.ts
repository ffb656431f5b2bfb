import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A version of Node.js could not be installed. The message says what to do. */
export class NodeInstallError extends Error {
  override readonly name = 'NodeInstallError';
}

/** An installed Node.js. */
export interface InstalledNode {
  version: string;
  /** The environment of a process that runs on it, and whose own calls of `node` do, too. */
  env: NodeJS.ProcessEnv;
  executable: string;
}

// An empty value means unset (XDG Base Directory Specification).
const CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'longwatch', 'node');

/**
 * Installs a Node.js from the npm package `node`, which brings the executable. All checkouts share the result.
 * @param specification as npm takes it, for example `^24.0.0`
 * @throws NodeInstallError if npm cannot install it, or what it installed does not run
 */
export function installNode(specification: string, cache = CACHE): InstalledNode {
  const folder = join(cache, specification.replace('^', 'from-'));
  if (!existsSync(executableIn(folder))) install(specification, cache, folder);
  const executable = executableIn(folder);
  const ran = spawnSync(executable, ['--version'], { encoding: 'utf8' });
  const version = /^v(\d+\.\d+\.\d+)\s*$/.exec(ran.stdout ?? '')?.[1];
  if (version === undefined) throw failure(specification, `${executable} does not run here`);
  const path = [join(folder, BIN), process.env['PATH']].filter(Boolean).join(delimiter);
  return { version, executable, env: { ...process.env, PATH: path } };
}

const BIN = join('node_modules', 'node', 'bin');
const executableIn = (folder: string): string => join(folder, BIN, process.platform === 'win32' ? 'node.exe' : 'node');

function install(specification: string, cache: string, folder: string): void {
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, 'installing-'));
  try {
    // The package's own script fetches the executable of this platform. Later versions of npm run only scripts that are
    // allowed here.
    writeFileSync(join(staging, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
    const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
    const npm = spawnSync('npm', ['install', '--prefix', staging, ...flags, `node@${specification}`], {
      cwd: staging,
      // Named, because a test's changes of PATH are in its own copy of the environment.
      env: process.env,
      encoding: 'utf8',
    });
    if (!existsSync(executableIn(staging))) throw failure(specification, npm.error?.message ?? reasonIn(npm.stderr));
    // Race: another checkout installs the same version. The first rename wins, and both use its folder.
    try {
      renameSync(staging, folder);
    } catch (error) {
      if (!existsSync(executableIn(folder))) throw error;
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Returns the first line of npm's messages that says something. */
const reasonIn = (stderr: string): string =>
  /^npm (?:error|ERR!) (?!code )(.+?)\.?$/m.exec(stderr)?.[1] ??
  'npm left no executable, perhaps because its scripts are off';

const failure = (specification: string, reason: string): NodeInstallError =>
  new NodeInstallError(
    `Node.js ${specification} could not be installed (${reason}): ` +
      `make "npm install node@${specification}" succeed in an empty folder, then run this again`,
  );
