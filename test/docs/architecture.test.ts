import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const page = readFileSync('docs/architecture.md', 'utf8');
const section = (heading: string): string => page.split(/^#{2,3} /m).find((text) => text.startsWith(`${heading}\n`))!;
/** The first cells of a section's table, by what is in backticks there, each with the last cell. */
const rowsOf = (heading: string): Map<string, string> =>
  new Map(
    [...section(heading).matchAll(/^\| `([^`]+)`[^|]*\|(?:.*\|)? *([^|]+?) *\|$/gm)].map(([, name, last]) => [
      name!,
      last!,
    ]),
  );

function fieldsOf(name: string): string[] {
  const source = readFileSync('src/graph/capability.ts', 'utf8');
  const body = new RegExp(String.raw`^export interface ${name}\b[^{]*\{$([\s\S]*?)^\}$`, 'm').exec(source)![1]!;
  return [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, field]) => field!);
}

it.each([
  ['The declaration', 'Capability'],
  ['The instance', 'CapabilityInstance'],
])('%s: every field is explained, and no other', (heading, name) => {
  expect(fieldsOf(name).length).toBeGreaterThan(10);
  expect([...rowsOf(heading).keys()].sort()).toEqual(fieldsOf(name).sort());
});

interface Rule {
  name: string;
  from: { path: string };
  to: { pathNot?: string[] };
}

it('the layers may import what CI lets them import', () => {
  const { forbidden } = require(join(process.cwd(), '.dependency-cruiser.cjs')) as { forbidden: Rule[] };
  const rules = forbidden.filter(({ name }) => name.endsWith('-imports-only-what-is-below'));
  expect(rules.length).toBeGreaterThan(10);
  const documented = rowsOf('Layers');
  for (const { name, from, to } of rules) {
    const layer = from.path.replaceAll(/[\^/]/g, '').replace('src', '');
    const allowed = to.pathNot!.slice(1).map((path) => path.replace(/^\^src\//, '').replace(/\W*(\[[.]\]ts\$)?$/, ''));
    const shown = documented.get(`src/${layer}`)!;
    const missing = allowed.filter((one) => !shown.includes(one.split('/')[0]!));
    expect([name, shown === undefined, missing]).toEqual([name, false, []]);
    const extra = [...shown.matchAll(/`(\w+)`/g)].filter(([, one]) => !allowed.some((path) => path.startsWith(one!)));
    expect([name, extra.map(([, one]) => one)]).toEqual([name, []]);
  }
});
