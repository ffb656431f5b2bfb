import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Argv } from 'yargs';
import { runScript } from '../../scripts/commandLine';
import { oneLine, readResults } from '../busy/results';
import { installNode, NodeInstallError, type InstalledNode } from './install';
import { specifications, testedNodes } from './versions';

const ROOT = join(__dirname, '..', '..');
const JEST = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');

/** Runs the tests on one Node.js. @returns whether they passed, and the line that says so. */
function runTests(node: InstalledNode, tests: readonly string[], results: string): { passed: boolean; line: string } {
  const file = join(results, `${node.version}.json`);
  const config = tests.length === 0 ? 'jest.fast.config.js' : 'jest.config.js';
  const from = performance.now();
  const { status } = spawnSync(
    node.executable,
    [JEST, '--config', config, '--json', `--outputFile=${file}`, ...tests],
    { cwd: ROOT, env: node.env, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const minutes = ((performance.now() - from) / 60_000).toFixed(1);
  const found = readResults(file);
  const passed = status === 0 && found !== undefined;
  const line = `Node.js ${node.version}: ${passed ? 'passed' : 'FAILED'} in ${minutes} min, ${oneLine(found)}`;
  return { passed, line };
}

const options = (cli: Argv) =>
  cli
    .positional('versions', {
      type: 'string',
      array: true,
      default: [],
      defaultDescription: 'those of engines in package.json but the one that runs',
      describe: 'Major versions of engines, or exact versions',
    })
    .option('oldest', {
      type: 'boolean',
      default: false,
      describe: 'The oldest version of each range of engines; otherwise the newest',
    })
    .option('tests', { type: 'string', array: true, default: [], describe: 'Test files instead of the fast tests' })
    .option('results', { type: 'string', describe: "Folder for Jest's results, one JSON file for each version" });

runScript(
  {
    name: 'test:nodes',
    positionals: '[versions..]',
    about:
      'Runs the fast tests on the other versions of Node.js that package.json allows. The versions come from the npm ' +
      'package "node" and stay in the cache folder of this user.',
    examples: [
      ['', 'on the newest of each other major version'],
      ['--oldest', 'on the oldest allowed version of each, before engines is changed'],
      ['24 --tests test/e2e/start.test.ts', 'one file on Node.js 24'],
    ],
    expected: [NodeInstallError],
  },
  options,
  ({ versions, oldest, tests, results }) => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } };
    const wanted = specifications(testedNodes(engines.node), process.versions.node, versions.map(String), oldest);
    const folder = results === undefined ? mkdtempSync(join(tmpdir(), 'longwatch-nodes-')) : resolve(results);
    mkdirSync(folder, { recursive: true });
    try {
      // All are installed first: a version that is missing is said before the tests of another one take minutes.
      const nodes = wanted.map((specification) => installNode(specification));
      const runs = nodes.map((node) => {
        const run = runTests(node, tests, folder);
        console.log(run.line);
        return run;
      });
      if (!runs.every(({ passed }) => passed)) process.exitCode = 1;
    } finally {
      if (results === undefined) rmSync(folder, { recursive: true, force: true });
    }
  },
);
