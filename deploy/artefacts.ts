import { createHash } from 'node:crypto';
import { cpSync, createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { build } from 'esbuild';
import { pack } from 'tar-stream';

const ROOT = join(__dirname, '..');
/** The model that ships. */
export const MODEL = join(ROOT, 'model', 'fraud.json');

/** Paths of the files that the stack uploads. */
export interface Artefacts {
  /** The model as SageMaker expects it: a gzipped tar with only `fraud.json`. */
  model: string;
  /** Folder with the bundle of the functions. */
  functions: string;
}

/** Builds the files that the stack uploads. The same sources give the same bytes. */
export async function makeArtefacts(folder: string): Promise<Artefacts> {
  mkdirSync(folder, { recursive: true });
  const [model, functions] = await Promise.all([
    packModel(join(folder, 'model.tar.gz')),
    bundleFunctions(join(folder, 'functions')),
  ]);
  return { model, functions };
}

/** Writes the model as a gzipped tar. @returns its path. */
export async function packModel(path: string): Promise<string> {
  const tar = pack();
  tar.entry({ name: 'fraud.json', mtime: new Date(0), mode: 0o644 }, readFileSync(MODEL));
  tar.finalize();
  await pipeline(tar, createGzip({ level: 9 }), createWriteStream(path));
  return path;
}

/** Bundles all functions into one file that exports a handler for each. @returns the folder. */
export async function bundleFunctions(folder: string): Promise<string> {
  await build({
    // Lambda finds a handler by the name of its export.
    stdin: { contents: "module.exports = require('./index.ts').handlers;", resolveDir: join(ROOT, 'src', 'lambda') },
    // As deep as in the sources, because the code finds other files by relative paths.
    outfile: join(folder, 'dist', 'lambda', 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifySyntax: true,
    // Logs and answers contain the class names of errors.
    keepNames: true,
    sourcemap: false,
    legalComments: 'none',
    // Native modules that only workers and the workflow bundler need, not functions.
    external: ['@temporalio/core-bridge', '@swc/*'],
    logLevel: 'error',
  });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ name: 'longwatch-functions', version, type: 'commonjs' })}\n`,
  );
  // The drift baseline and the overview page.
  mkdirSync(join(folder, 'model'), { recursive: true });
  cpSync(join(ROOT, 'web'), join(folder, 'web'), { recursive: true });
  writeFileSync(join(folder, 'model', 'fraud.baseline.json'), readFileSync(join(ROOT, 'model', 'fraud.baseline.json')));
  return folder;
}

/** Returns the version of XGBoost that wrote the model, and the first 10 digits of the model's SHA-256. */
export function modelFacts(path = MODEL): { version: readonly number[]; id: string } {
  const bytes = readFileSync(path);
  const { version } = JSON.parse(bytes.toString('utf8')) as { version: number[] };
  return { version, id: createHash('sha256').update(bytes).digest('hex').slice(0, 10) };
}
