/** The compiler of `scripts/compiled.cjs`, with types: JavaScript and fingerprints of the TypeScript sources. */
const compiled = require('../../scripts/compiled.cjs') as {
  CACHE: string;
  ROOT: string;
  compiledRoot(folders: readonly string[]): string;
  fingerprintOf(files: readonly string[]): string;
  sourcesIn(folder: string): string[];
};

export const { CACHE, ROOT, compiledRoot, fingerprintOf, sourcesIn } = compiled;
