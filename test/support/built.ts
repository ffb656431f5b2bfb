import { cpSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformFileSync } from '@swc/core';
import { CACHE, fingerprintOf, ROOT, sourcesIn } from './sources';

/**
 * A folder with `src` and `test/support` as JavaScript, compiled once for all tests. A process that tests start from
 * there takes two thirds of the processor time of one that compiles TypeScript as it loads, as `npm start` does
 * (`test/e2e/start.test.ts` starts that one).
 */
export function builtRoot(): string {
  const files = [...sourcesIn('src'), ...sourcesIn(join('test', 'support'))];
  const root = join(CACHE, `built-${fingerprintOf(files)}`);
  if (existsSync(root)) return root;
  const unfinished = `${root}.${process.pid}`;
  for (const file of files) write(join(unfinished, file.replace(/\.ts$/, '.js')), compiled(join(ROOT, file)));
  cpSync(join(ROOT, 'package.json'), join(unfinished, 'package.json'));
  for (const folder of ['web', 'model']) symlinkSync(join(ROOT, folder), join(unfinished, folder));
  try {
    // Whole or not at all: other tests look for it meanwhile.
    renameSync(unfinished, root);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(root)) throw error;
  }
  return root;
}

/** The arguments of Node for a file of `src` or `test/support`. */
export const built = (file: string): string => join(builtRoot(), file.replace(/\.ts$/, '.js'));

const compiled = (path: string): string =>
  transformFileSync(path, {
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs', ignoreDynamic: true },
  }).code;

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
