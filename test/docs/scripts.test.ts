import { readFileSync } from 'node:fs';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const [, section = ''] = readFileSync('CONTRIBUTING.md', 'utf8').split(/^## Scripts$/m);
const [table = ''] = section.split(/^## /m);

it('CONTRIBUTING lists every script of package.json with what it does, and no other', () => {
  const rows = [...table.matchAll(/^\| `([^`]+)` +\| (.*?) *\|$/gm)].map(([, name = '', does = '']) => ({
    name,
    does,
  }));
  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(scripts).sort());
  for (const { name, does } of rows) expect([name, does.length > 10]).toEqual([name, true]);
});
