/** The sources of Longwatch, and what is made from them and kept while they stay the same. */
const compiled = require('../../scripts/compiled.cjs') as {
  CACHE: string;
  ROOT: string;
  compiledRoot(folders: readonly string[]): string;
  fingerprintOf(files: readonly string[]): string;
  sourcesIn(folder: string): string[];
};

export const { CACHE, ROOT, compiledRoot, fingerprintOf, sourcesIn } = compiled;
