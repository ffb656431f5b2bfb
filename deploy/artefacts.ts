import { createHash } from 'node:crypto';
import { cpSync, createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { build } from 'esbuild';
import { pack } from 'tar-stream';

const ROOT = join(__dirname, '..');
export const MODEL = join(ROOT, 'model', 'fraud.json');

/** What the stack uploads. */
export interface Artefacts {
  /** SageMaker's form of the model: `fraud.json` alone in a gzipped tar. */
  model: string;
  /** Folder with the functions' bundle. */
  functions: string;
}

/** Makes what the stack uploads, the same bytes from the same sources. */
export async function makeArtefacts(folder: string): Promise<Artefacts> {
  mkdirSync(folder, { recursive: true });
  const [model, functions] = await Promise.all([
    packModel(join(folder, 'model.tar.gz')),
    bundleFunctions(join(folder, 'functions')),
  ]);
  return { model, functions };
}

export async function packModel(path: string): Promise<string> {
  const tar = pack();
  tar.entry({ name: 'fraud.json', mtime: new Date(0), mode: 0o644 }, readFileSync(MODEL));
  tar.finalize();
  await pipeline(tar, createGzip({ level: 9 }), createWriteStream(path));
  return path;
}

/** One bundle; each function is a handler of it. */
export async function bundleFunctions(folder: string): Promise<string> {
  await build({
    // Lambda finds a handler by the name of an export.
    stdin: { contents: "module.exports = require('./index.ts').handlers;", resolveDir: join(ROOT, 'src', 'lambda') },
    // As deep as in the sources: the code looks for files beside its folder.
    outfile: join(folder, 'dist', 'lambda', 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    minifySyntax: true,
    // Names of errors are part of what we say.
    keepNames: true,
    sourcemap: false,
    legalComments: 'none',
    // Native, for workers and local files alone, which no function is.
    external: ['@temporalio/core-bridge', '@swc/*'],
    logLevel: 'error',
  });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ name: 'longwatch-functions', version, type: 'commonjs' })}\n`,
  );
  // What drift is compared with, and the page for people.
  mkdirSync(join(folder, 'model'), { recursive: true });
  cpSync(join(ROOT, 'web'), join(folder, 'web'), { recursive: true });
  writeFileSync(join(folder, 'model', 'fraud.baseline.json'), readFileSync(join(ROOT, 'model', 'fraud.baseline.json')));
  return folder;
}

/** The version of XGBoost that wrote the model, and the first digits of its sum. */
export function modelFacts(path = MODEL): { version: readonly number[]; id: string } {
  const bytes = readFileSync(path);
  const { version } = JSON.parse(bytes.toString('utf8')) as { version: number[] };
  return { version, id: createHash('sha256').update(bytes).digest('hex').slice(0, 10) };
}
