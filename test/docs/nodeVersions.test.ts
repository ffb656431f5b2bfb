import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specifications, testedNodes } from '../nodes/versions';

const read = (path: string): string => readFileSync(path, 'utf8');
const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
const tested = testedNodes(engines.node);
/** The version that is recommended and deployed. */
const newest = Math.max(...tested.map(({ major }) => major));

/** The majors that the pattern finds, in all these files together. */
const found = (paths: readonly string[], pattern: RegExp): number[] =>
  paths.flatMap((path) => [...read(path).matchAll(pattern)].map(([, major]) => Number(major)));
const codeOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path));

it.each([
  ['.nvmrc', found(['.nvmrc'], /^(\d+)$/gm), 1],
  ['the stages of the image', found(['Dockerfile'], /^FROM node:(\d+)/gm), 2],
  ['the runtime of the Lambda functions', found(codeOf('deploy'), /\bNODEJS_(\d+)_X\b/g), 1],
  ['the target of their bundle', found(codeOf('deploy'), /target: 'node(\d+)'/g), 1],
])('%s is the newest version of engines', (_, majors, count) => {
  expect(majors).toEqual(Array.from({ length: count }, () => newest));
});

it('CI runs the fast tests on every version of engines but the one that runs everything, and counts them', () => {
  const ci = read('.ci/run');
  expect(ci).toMatch(/^check .* npm run --silent test:nodes -- --results "\$on_nodes"$/m);
  expect(ci).toMatch(/^jest_runs=\(.*"\$on_nodes"\/\*\.json\)$/m);
  for (const { major, oldest } of tested) {
    const others = tested.filter((one) => one.major !== major).map(({ range }) => range);
    expect(specifications(tested, oldest, [], false)).toEqual(others);
  }
});

it('each page that says which Node.js is needed names the versions of engines', () => {
  // A minor version of 0 is not worth a word.
  const versions = tested.map(({ oldest }) => oldest.replace(/(\.0)?\.0$/, ''));
  const sentence = `You need Node.js ${versions.slice(0, -1).join(', ')} or ${versions.at(-1)}`;
  for (const page of ['README.md', 'CONTRIBUTING.md', 'docs/upgrading.md'])
    expect([page, read(page).includes(sentence)]).toEqual([page, true]);
  expect(read('.ci/run')).toContain(sentence.replace('You need ', ''));
});
