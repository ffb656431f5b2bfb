import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BundleOptions, bundleWorkflowCode, DefaultLogger, type WorkerOptions } from '@temporalio/worker';

/** What is bundled: every workflow, and what is put between them and Temporal. */
export function bundleOptions(): BundleOptions {
  return {
    workflowsPath: require.resolve('../workflows'),
    workflowInterceptorModules: [require.resolve('../workflows/interceptors')],
    logger: new DefaultLogger('WARN'),
  };
}

export type Bundle = NonNullable<WorkerOptions['workflowBundle']>;
let bundling: Promise<Bundle> | undefined;

/** The workflow code, bundled once a process, or read from a file where there is one. @param codePath Default: what the build made. */
export function bundleOnce(codePath?: string): Promise<Bundle> {
  bundling ??= loadBundle(codePath);
  return bundling;
}

async function loadBundle(codePath = join(__dirname, '..', 'workflow-bundle.js')): Promise<Bundle> {
  return existsSync(codePath) ? { codePath } : bundleWorkflowCode(bundleOptions());
}
