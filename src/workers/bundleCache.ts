import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Number of bundles that are kept: some branches and choices of capabilities, with plain and encrypted payloads. */
const KEPT = 8;
const NAME = /^workflows-[0-9a-f]{16}\.js/;

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
   * Returns the path of the bundle of the sources as they are now.
   * @param options everything besides the sources that the bundle depends on
   */
  pathOf(options: readonly unknown[]): string {
    const hash = createHash('sha256').update(JSON.stringify(options));
    for (const file of this.sources.flatMap(filesOf)) {
      const content = readFileSync(file);
      hash.update(`\0${file}\0${content.length}\0`).update(content);
    }
    return join(this.folder, `workflows-${hash.digest('hex').slice(0, 16)}.js`);
  }

  /** Returns whether a whole bundle is stored at a path: the file is neither missing nor damaged. */
  has(path: string): boolean {
    try {
      const text = readFileSync(path, 'utf8');
      const end = text.indexOf(SEAL_END) + SEAL_END.length;
      if (text.slice(0, end) !== seal(text.slice(end))) return false;
      const now = new Date();
      utimesSync(path, now, now); // The least recently used ones are removed.
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Stores a bundle and removes the least recently used ones. Stores nothing if the sources have changed since the path
   * was determined, because nobody knows of which ones the bundle was made.
   * @returns whether it is stored
   */
  store(path: string, options: readonly unknown[], code: string): boolean {
    if (this.pathOf(options) !== path) return false;
    mkdirSync(this.folder, { recursive: true });
    // Whole or not at all: another process may look for it meanwhile.
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, seal(code) + code);
    renameSync(unfinished, path);
    const stored = readdirSync(this.folder)
      .filter((name) => NAME.test(name))
      .map((name) => join(this.folder, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    for (const old of stored.slice(KEPT)) rmSync(old, { force: true, recursive: true });
    return true;
  }
}

const SEAL_END = ' */';

/**
 * The beginning of a stored bundle, a comment that tells a whole file from a part of it. It has no line of its own,
 * which would shift the lines of the source map.
 */
const seal = (code: string): string => `/* sha256 ${createHash('sha256').update(code).digest('hex')}${SEAL_END}`;

/** Returns the files of a folder and its subfolders in a fixed order, or the file itself. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesOf(join(path, entry.name)));
}
