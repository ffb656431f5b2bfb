import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { everything } from '../src/graph/capabilities';
import { runScript } from './commandLine';

const ROOT = join(__dirname, '..');
const DIST = join(ROOT, 'dist');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

async function build(): Promise<void> {
  rmSync(DIST, { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [TSC, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) return process.exit(1); // The compiler has printed the errors.
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const { bundleOptions } = await import('../src/workers/bundle.js');
  for (const [file, converter] of [
    ['workflow-bundle.js', undefined],
    ['workflow-bundle-encrypting.js', join(ROOT, 'src', 'workflows', 'failureConverter.ts')],
  ] as const) {
    const { code } = await bundleWorkflowCode(bundleOptions(everything.workflowsPaths(), converter));
    writeFileSync(join(DIST, file), code);
  }
}

runScript(
  {
    name: 'build',
    about:
      'Compiles src/ to dist/, and bundles the workflows there, once for plain payloads and once for encrypted ones, ' +
      'so that a worker in production starts without the bundler. Deletes dist/ first.',
    examples: [['', 'before a release, or before dist/main.js is run']],
  },
  (cli) => cli,
  build,
);
