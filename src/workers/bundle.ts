import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BundleOptions, bundleWorkflowCode, DefaultLogger, type WorkerOptions } from '@temporalio/worker';
import { defined } from '../domain/defined';

/**
 * What is bundled: the workflows of some modules, and what is put between them and Temporal.
 * @param failureConverterPath How failures are written is part of the bundle; given where payloads are encrypted.
 */
export function bundleOptions(workflowsPaths: readonly string[], failureConverterPath?: string): BundleOptions {
  return {
    workflowsPath: entryOf(workflowsPaths),
    ...defined({ failureConverterPath }),
    workflowInterceptorModules: [require.resolve('../workflows/interceptors')],
    logger: new DefaultLogger('WARN'),
    // The entry lies in a temporary folder, from where the packages are not found.
    webpackConfigHook: (config) => ({
      ...config,
      resolve: { ...config.resolve, modules: [...(config.resolve?.modules ?? ['node_modules']), PACKAGES] },
    }),
  };
}

/** The folder of Temporal's packages. */
const PACKAGES = join(dirname(require.resolve('@temporalio/workflow/package.json')), '..', '..');

/** A module that exports what some modules export; the bundler takes one. */
function entryOf(paths: readonly string[]): string {
  const entry = join(mkdtempSync(join(tmpdir(), 'longwatch-workflows-')), 'workflows.js');
  writeFileSync(
    entry,
    `Object.assign(exports, ${paths.map((path) => `require(${JSON.stringify(path)})`).join(', ')});\n`,
  );
  return entry;
}

/** The workflow code cannot be bundled, or the configured bundle is missing. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
}

export type Bundle = NonNullable<WorkerOptions['workflowBundle']>;
const bundling = new Map<string | undefined, Promise<Bundle>>();

/**
 * The workflow code, bundled once a process, or read from a file where there is one.
 * @param codePath A file that must exist. Default: what the build made, if it made one. Where payloads are encrypted
 *   it is its neighbour, `…-encrypting.js`.
 * @throws BundleError
 */
export function bundleOnce(
  workflowsPaths: () => readonly string[],
  codePath?: string,
  failureConverterPath?: string,
): Promise<Bundle> {
  const under = bundling.get(failureConverterPath) ?? loadBundle(workflowsPaths, codePath, failureConverterPath);
  bundling.set(failureConverterPath, under);
  return under;
}

async function loadBundle(
  workflowsPaths: () => readonly string[],
  codePath?: string,
  failureConverterPath?: string,
): Promise<Bundle> {
  // A bundle that writes failures in the clear must never serve where they are to be encrypted.
  const path = codePath ?? join(__dirname, '..', 'workflow-bundle.js');
  const wanted = failureConverterPath === undefined ? path : path.replace(/(\.js)?$/, '-encrypting.js');
  if (existsSync(wanted)) return { codePath: wanted };
  if (codePath !== undefined)
    throw new BundleError(
      `LONGWATCH_WORKFLOW_BUNDLE: there is no file ${wanted}; build it (npm run build), or leave the setting out`,
    );
  try {
    return await bundleWorkflowCode(bundleOptions(workflowsPaths(), failureConverterPath));
  } catch (error) {
    throw new BundleError(
      `The workflows cannot be bundled: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
