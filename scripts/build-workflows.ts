import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { bundleOptions } from '../src/workers/bundle';

/** Bundles the workflows once, so that a worker in production starts without the bundler. */
async function main(): Promise<void> {
  const { code } = await bundleWorkflowCode(bundleOptions());
  writeFileSync(join(__dirname, '..', 'dist', 'workflow-bundle.js'), code);
}

void main();
