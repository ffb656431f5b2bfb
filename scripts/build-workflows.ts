import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { everything } from '../src/graph/capabilities';
import { bundleOptions } from '../src/workers/bundle';

const WORKFLOWS = join(__dirname, '..', 'src', 'workflows');

/**
 * Bundles the workflows once for payloads in the clear and once for encrypted ones, so that a worker in production
 * starts without the bundler.
 */
async function main(): Promise<void> {
  for (const [file, converter] of [
    ['workflow-bundle.js', undefined],
    ['workflow-bundle-encrypting.js', join(WORKFLOWS, 'failureConverter.ts')],
  ] as const) {
    const { code } = await bundleWorkflowCode(bundleOptions(everything.workflowsPaths(), converter));
    writeFileSync(join(__dirname, '..', 'dist', file), code);
  }
}

void main();
