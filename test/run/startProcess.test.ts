import { readFileSync } from 'node:fs';
import { nodeWarnings } from '../../src/run/startProcess';
import { testedNodes } from '../nodes/versions';

it.each([
  ['20.19.0', 1],
  ['20.20.2', 1],
  ['22.12.0', 0],
  ['24.1.0', 0],
])('Node.js %s: %i warnings about its age', (version, count) => {
  const warnings = nodeWarnings(version);
  expect(warnings).toHaveLength(count);
  for (const warning of warnings) expect(warning).toMatch(/^Node\.js 20.* Use Node\.js 22 or 24\.$/);
});

it('the warning about an old Node.js recommends each version of engines that has no warning', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  const [oldest, ...others] = testedNodes(engines.node);
  const recommended = others.filter((node) => nodeWarnings(node.oldest).length === 0).map(({ major }) => major);
  expect(nodeWarnings(oldest!.oldest)).toEqual([
    expect.stringMatching(`Use Node\\.js ${recommended.join(' or ')}\\.$`),
  ]);
});
