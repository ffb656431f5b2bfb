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

/** The workflow code cannot be bundled, or the configured bundle is missing. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
}

export type Bundle = NonNullable<WorkerOptions['workflowBundle']>;
const bundling = new Map<string | undefined, Promise<Bundle>>();

/**
 * The workflow code, bundled once a process, or read from a file where there is one.
 * @param codePath A file that must exist. Default: what the build made, if it made one. Where payloads are encrypted it is its neighbour, `…-encrypting.js`.
 * @throws BundleError
 */
export function bundleOnce(codePath?: string, failureConverterPath?: string): Promise<Bundle> {
  const under = bundling.get(failureConverterPath) ?? loadBundle(codePath, failureConverterPath);
  bundling.set(failureConverterPath, under);
  return under;
}

async function loadBundle(codePath?: string, failureConverterPath?: string): Promise<Bundle> {
  // A bundle that writes failures in the clear must never serve where they are to be encrypted.
  const path = codePath ?? join(__dirname, '..', 'workflow-bundle.js');
  const wanted = failureConverterPath === undefined ? path : path.replace(/(\.js)?$/, '-encrypting.js');
  if (existsSync(wanted)) return { codePath: wanted };
  if (codePath !== undefined) throw new BundleError(`LONGWATCH_WORKFLOW_BUNDLE: there is no file ${wanted}; build it (npm run build), or leave the setting out`);
  try {
    return await bundleWorkflowCode(bundleOptions(failureConverterPath));
  } catch (error) {
    throw new BundleError(`The workflows cannot be bundled: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
