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

  /** Returns the code that was stored at a path; undefined if the file is missing or damaged. */
  find(path: string): string | undefined {
    try {
      const text = readFileSync(path, 'utf8');
      const end = text.indexOf('\n');
      const code = text.slice(end + 1);
      if (text.slice(0, end) !== seal(code)) return undefined;
      const now = new Date();
      utimesSync(path, now, now); // The least recently used ones are removed.
      return code;
    } catch {
      return undefined;
    }
  }

  /**
   * Stores a bundle and removes the least recently used ones. Does nothing if the sources have changed since the path
   * was determined, because nobody knows of which ones the bundle was made.
   */
  store(path: string, options: readonly unknown[], code: string): void {
    if (this.pathOf(options) !== path) return;
    mkdirSync(this.folder, { recursive: true });
    // Whole or not at all: another process may look for it meanwhile.
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, `${seal(code)}\n${code}`);
    renameSync(unfinished, path);
    const stored = readdirSync(this.folder)
      .filter((name) => NAME.test(name))
      .map((name) => join(this.folder, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    for (const old of stored.slice(KEPT)) rmSync(old, { force: true, recursive: true });
  }
}

/** The first line of a stored bundle, a comment that tells a whole file from a part of it. */
const seal = (code: string): string => `// sha256 ${createHash('sha256').update(code).digest('hex')}`;

/** Returns the files of a folder and its subfolders in a fixed order, or the file itself. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesOf(join(path, entry.name)));
}
