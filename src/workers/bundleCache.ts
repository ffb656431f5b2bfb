import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Number of bundles that are kept: two branches, each with plain and with encrypted payloads. */
const KEPT = 4;
const NAME = /^workflows-[0-9a-f]{16}\.js$/;

/**
 * Keeps bundles of workflows in a folder, by the content of what they are made from. Bundling takes both cores for some
 * five seconds, and the sources seldom change between two starts.
 */
export class BundleCache {
  /**
   * @param folder of the bundles; created when needed
   * @param sources folders and files that a bundle depends on; missing ones do not count
   */
  constructor(
    private readonly folder: string,
    private readonly sources: readonly string[],
  ) {}

  /**
   * Returns the path of the bundle for these options; undefined if it must be made.
   * @param options everything besides the sources that the bundle depends on
   */
  find(options: readonly unknown[]): string | undefined {
    const path = this.pathOf(options);
    return existsSync(path) ? path : undefined;
  }

  /** Stores a bundle and removes the oldest ones. @returns its path */
  store(options: readonly unknown[], code: string): string {
    const path = this.pathOf(options);
    mkdirSync(this.folder, { recursive: true });
    // Whole or not at all: another process may look for it meanwhile.
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, code);
    renameSync(unfinished, path);
    const made = readdirSync(this.folder)
      .filter((name) => NAME.test(name))
      .map((name) => join(this.folder, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    for (const old of made.slice(KEPT)) rmSync(old, { force: true });
    return path;
  }

  private pathOf(options: readonly unknown[]): string {
    const hash = createHash('sha256').update(JSON.stringify(options));
    for (const file of this.sources.flatMap(filesOf)) hash.update(file).update('\0').update(readFileSync(file));
    return join(this.folder, `workflows-${hash.digest('hex').slice(0, 16)}.js`);
  }
}

/** Returns the files of a folder and its subfolders in a fixed order, or the file itself. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesOf(join(path, entry.name)));
}
