import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { installNode, NodeInstallError } from '../nodes/install';
import { specifications, testedNodes } from '../nodes/versions';

const { PATH } = process.env;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-nodes-'));
  mkdirSync(join(folder, 'bin'));
  process.env['PATH'] = [join(folder, 'bin'), PATH].join(delimiter);
});
afterEach(() => {
  process.env['PATH'] = PATH;
  rmSync(folder, { recursive: true, force: true });
});

/** Puts an npm into PATH that notes its arguments and does this in the folder that it should install into. */
function npmThat(script: string): void {
  const npm = join(folder, 'bin', 'npm');
  writeFileSync(npm, `#!/bin/sh\necho "$*" >> ${join(folder, 'calls')}\n${script}\n`);
  chmodSync(npm, 0o755);
}
const npmThatInstalls = (version: string): void =>
  // As npm does that runs only the scripts of allowed packages.
  npmThat(`grep -q '"allowScripts":{"node":true}' package.json || exit 0
    mkdir -p node_modules/node/bin && cd node_modules/node/bin &&
    printf '#!/bin/sh\\necho v${version}\\n' > node && chmod +x node`);
const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
const cache = (): string => join(folder, 'cache');

it('a version is installed once, and what it starts as "node" has the same version', () => {
  npmThatInstalls('24.21.0');
  const node = installNode('^24.0.0', cache());
  expect(node).toMatchObject({ version: '24.21.0', executable: expect.stringContaining(cache()) });
  expect(node.env['PATH']?.split(delimiter)[0]).toBe(join(node.executable, '..'));
  expect(installNode('^24.0.0', cache())).toEqual(node);
  expect(calls()).toEqual([expect.stringMatching(/^install .*node@\^24\.0\.0$/)]);
});

it.each([
  ['refuses', 'echo "npm error code E404\nnpm error 404 Not Found" >&2; exit 1', /\(404 Not Found\)/],
  ['installs no executable', 'exit 0', /scripts are off/],
])('an npm that %s: one sentence says what to do, and the next run installs again', (_, script, why) => {
  npmThat(script);
  const failed = () => installNode('^24.0.0', cache());
  expect(failed).toThrow(NodeInstallError);
  expect(failed).toThrow(why);
  expect(failed).toThrow(/^Node\.js \^24\.0\.0 could not be installed .*: make "npm install node@\^24\.0\.0" succeed/);
  expect(readdirSync(cache())).toEqual([]);
  npmThatInstalls('24.21.0');
  expect(installNode('^24.0.0', cache()).version).toBe('24.21.0');
});

it('an executable that does not run here is an error, which names it', () => {
  npmThat('mkdir -p node_modules/node/bin && echo "not for this machine" > node_modules/node/bin/node');
  expect(() => installNode('^24.0.0', cache())).toThrow(/node_modules\/node\/bin\/node does not run here/);
});

const tested = testedNodes('^20.19.0 || ^22.13.0 || ^24.0.0');
it.each([
  ['20.20.2', [], false, ['^22.13.0', '^24.0.0']],
  ['24.1.0', [], false, ['^20.19.0', '^22.13.0']],
  ['20.20.2', [], true, ['20.19.0', '22.13.0', '24.0.0']],
  ['20.20.2', ['20', '24.3.0'], false, ['^20.19.0', '24.3.0']],
  ['20.20.2', ['22'], true, ['22.13.0']],
])('on %s, asked for %j, oldest %s: %j', (running, asked, oldest, versions) => {
  expect(specifications(tested, running, asked, oldest)).toEqual(versions);
});

it('a version that is not tested, and a range that cannot be, is refused by name', () => {
  expect(() => specifications(tested, '20.20.2', ['23'], false)).toThrow(/"23"; allowed are 20, 22, 24 and exact/);
  expect(() => testedNodes('>=20')).toThrow(/has ">=20"/);
});
