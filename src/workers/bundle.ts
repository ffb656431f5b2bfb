import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BundleOptions, bundleWorkflowCode, DefaultLogger, type WorkerOptions } from '@temporalio/worker';

/**
 * What is bundled: every workflow, and what is put between them and Temporal.
 * @param failureConverterPath How failures are written is part of the bundle; given where payloads are encrypted.
 */
export function bundleOptions(failureConverterPath?: string): BundleOptions {
  return {
    workflowsPath: require.resolve('../workflows'),
    ...(failureConverterPath !== undefined && { failureConverterPath }),
    workflowInterceptorModules: [require.resolve('../workflows/interceptors')],
    logger: new DefaultLogger('WARN'),
  };
}

export type Bundle = NonNullable<WorkerOptions['workflowBundle']>;
const bundling = new Map<string | undefined, Promise<Bundle>>();

/**
 * The workflow code, bundled once a process, or read from a file where there is one.
 * @param codePath Default: what the build made. Where payloads are encrypted it is its neighbour, `…-encrypting.js`.
 */
export function bundleOnce(codePath?: string, failureConverterPath?: string): Promise<Bundle> {
  const under = bundling.get(failureConverterPath) ?? loadBundle(codePath, failureConverterPath);
  bundling.set(failureConverterPath, under);
  return under;
}

async function loadBundle(codePath = join(__dirname, '..', 'workflow-bundle.js'), failureConverterPath?: string): Promise<Bundle> {
  // A bundle that writes failures in the clear must never serve where they are to be encrypted.
  const wanted = failureConverterPath === undefined ? codePath : codePath.replace(/(\.js)?$/, '-encrypting.js');
  return existsSync(wanted) ? { codePath: wanted } : bundleWorkflowCode(bundleOptions(failureConverterPath));
}
