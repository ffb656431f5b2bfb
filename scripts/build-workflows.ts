import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const WORKFLOWS = join(__dirname, '..', 'src', 'workflows');

/** Bundles the workflows once for payloads in the clear and once for encrypted ones, so that a worker in production starts without the bundler. */
async function main(): Promise<void> {
  for (const [file, converter] of [
    ['workflow-bundle.js', undefined],
    ['workflow-bundle-encrypting.js', join(WORKFLOWS, 'failureConverter.ts')],
  ] as const) {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(WORKFLOWS, 'index.ts'),
      ...(converter && { failureConverterPath: converter }),
      logger: new DefaultLogger('WARN'),
    });
    writeFileSync(join(__dirname, '..', 'dist', file), code);
  }
}

void main();
