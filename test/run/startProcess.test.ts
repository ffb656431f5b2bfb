import { nodeWarnings } from '../../src/run/startProcess';

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
