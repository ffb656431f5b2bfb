import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BundleOptions, DefaultLogger, type WorkerOptions } from '@temporalio/worker';
import { defined } from '../domain/defined';
import { BundleCache } from './bundleCache';

/**
 * Returns the options of the workflow bundle: the workflows of some modules, and the interceptors.
 * @param failureConverterPath the module that encodes failures, which is part of the bundle; given when payloads are
 *   encrypted.
 */
export function bundleOptions(workflowsPaths: readonly string[], failureConverterPath?: string): BundleOptions {
  return {
    workflowsPath: entryOf(workflowsPaths),
    ...defined({ failureConverterPath }),
    workflowInterceptorModules: [require.resolve('../workflows/interceptors')],
    logger: new DefaultLogger('WARN'),
    // The entry module is in a temporary folder, from which the bundler cannot resolve the packages.
    webpackConfigHook: (config) => ({
      ...config,
      // Stack traces name the lines of the sources. Their texts are left out, because each worker holds the map.
      devtool: 'inline-nosources-source-map',
      resolve: { ...config.resolve, modules: [...(config.resolve?.modules ?? ['node_modules']), PACKAGES] },
    }),
  };
}

/** The `node_modules` folder with Temporal's packages. */
const PACKAGES = join(dirname(require.resolve('@temporalio/workflow/package.json')), '..', '..');

/** Writes a module that exports the workflows of several modules, because the bundler takes one entry. */
function entryOf(paths: readonly string[]): string {
  const entry = join(mkdtempSync(join(tmpdir(), 'longwatch-workflows-')), 'workflows.js');
  writeFileSync(
    entry,
    `Object.assign(exports, ${paths.map((path) => `require(${JSON.stringify(path)})`).join(', ')});\n`,
  );
  return entry;
}

/** The error when the workflow code cannot be bundled, or the configured bundle is missing. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
}

/** Workflow code as the Temporal SDK takes it. */
export type Bundle = NonNullable<WorkerOptions['workflowBundle']>;
const bundling = new Map<string | undefined, Promise<Bundle>>();

/**
 * Returns the workflow bundle: from a file if there is one, otherwise bundled once per process.
 * @param codePath a file that must exist; default the file of the build, if there is one. With encrypted payloads the
 *   file next to it is used, `…-encrypting.js`.
 * @throws BundleError when the file is missing or bundling fails.
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
  // With encrypted payloads, a bundle that writes failures as plain text must never be used.
  const path = codePath ?? join(__dirname, '..', 'workflow-bundle.js');
  const wanted = failureConverterPath === undefined ? path : path.replace(/(\.js)?$/, '-encrypting.js');
  if (existsSync(wanted)) return { codePath: wanted };
  if (codePath !== undefined)
    throw new BundleError(
      `LONGWATCH_WORKFLOW_BUNDLE: there is no file ${wanted}; build it (npm run build), or leave the setting out`,
    );
  try {
    return await bundle(workflowsPaths(), failureConverterPath);
  } catch (error) {
    throw new BundleError(
      `The workflows cannot be bundled: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** Workflows may import these folders, and packages. This folder says how they are bundled. */
const cache = new BundleCache(join(PACKAGES, '.cache', 'longwatch'), [
  ...['domain', 'workflows', 'activities', 'workers'].map((folder) => join(__dirname, '..', folder)),
  join(PACKAGES, '.package-lock.json'),
]);

/** Returns the bundle of these workflows. It is made only if sources or packages have changed since the last one. */
export async function bundle(workflowsPaths: readonly string[], failureConverterPath?: string): Promise<Bundle> {
  const options = [workflowsPaths, failureConverterPath];
  const path = cache.pathOf(options);
  if (cache.has(path)) return { codePath: path };
  const code = await bundleInProcess({ workflowsPaths, ...defined({ failureConverterPath }) });
  try {
    if (cache.store(path, options, code)) return { codePath: path };
  } catch {
    // The folder cannot be written, so the next start bundles again.
  }
  return { code };
}

/** What the process that bundles gets and answers. */
export interface BundleOrder {
  workflowsPaths: readonly string[];
  failureConverterPath?: string;
}
export type BundleAnswer = { code: string } | { fault: string };

/** Bundles in a process of its own, because the bundler would stay in the memory of this one. */
function bundleInProcess(order: BundleOrder): Promise<string> {
  const file = require.resolve('./bundleProcess');
  const child = fork(file, { execArgv: file.endsWith('.ts') ? ['--import', 'tsx'] : [] });
  return new Promise((resolve, reject) => {
    child.once('message', (answer: BundleAnswer) =>
      'code' in answer ? resolve(answer.code) : reject(new Error(answer.fault)),
    );
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the process that bundles ended with ${signal ?? code}`)));
    child.send(order);
  });
}
