import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { everything } from '../../src/graph/capabilities';
import { bundle } from '../../src/workers/bundle';
import { CACHE } from './sources';

/** The workflows as one file, bundled once for all tests and the processes that they start. */
export async function workflowBundle(): Promise<{ codePath: string }> {
  const { code } = await bundle(everything.workflowsPaths());
  const codePath = join(CACHE, `tests-${createHash('sha256').update(code).digest('hex').slice(0, 16)}.js`);
  if (!existsSync(codePath)) {
    mkdirSync(CACHE, { recursive: true });
    // Whole or not at all: other tests look for it meanwhile.
    writeFileSync(`${codePath}.${process.pid}`, code);
    renameSync(`${codePath}.${process.pid}`, codePath);
  }
  return { codePath };
}
