import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { everything } from '../../src/graph/capabilities';
import { bundleOptions } from '../../src/workers/bundle';
import { CACHE, fingerprintOf, sourcesIn } from './sources';

/**
 * The workflows as one file, bundled once for all tests and the processes that they start: bundling takes seconds of
 * both cores.
 */
export async function workflowBundle(): Promise<{ codePath: string }> {
  const codePath = join(CACHE, `workflows-${fingerprintOf(sourcesIn('src'))}.js`);
  if (!existsSync(codePath)) {
    const { code } = await bundleWorkflowCode({
      ...bundleOptions(everything.workflowsPaths()),
      logger: new DefaultLogger('ERROR'),
    });
    mkdirSync(CACHE, { recursive: true });
    // Whole or not at all: other tests look for it meanwhile.
    writeFileSync(`${codePath}.${process.pid}`, code);
    renameSync(`${codePath}.${process.pid}`, codePath);
  }
  return { codePath };
}
