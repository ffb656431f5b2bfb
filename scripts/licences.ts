import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runScript } from './commandLine';

/** Licences that allow use, change and redistribution in a product under Apache-2.0 and require at most a notice. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
]);

/**
 * Packages whose licence is not allowed by name or is missing in the manifest, with the reason why they may be used.
 */
const KNOWN: Readonly<Record<string, { licence: string; why: string }>> = {
  'caniuse-lite': { licence: 'CC-BY-4.0', why: 'data of the bundler, not code; the package contains the attribution' },
  'humanize-number': {
    licence: 'MIT',
    why: 'its manifest says nothing; its Readme.md does; only the embedded S3 server uses it',
  },
  only: { licence: 'MIT', why: 'its manifest says nothing; its Readme.md does; only the embedded S3 server uses it' },
  unionfs: { licence: 'Unlicense', why: 'its manifest says nothing; its LICENSE file does' },
};

/** An entry of package-lock.json. */
interface Locked {
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
}

/** Returns whether an SPDX expression is allowed: at least one side of an OR, and all sides of an AND. */
export function isAllowed(expression: string): boolean {
  const plain = expression.replace(/[()]/g, ' ');
  return plain.split(/\sOR\s/).some((all) => all.split(/\sAND\s/).every((one) => ALLOWED.has(one.trim())));
}

function checkLicences(): void {
  const root = join(__dirname, '..');
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const counts = new Map<string, number>();
  const faults: string[] = [];
  let absent = 0;
  for (const [path, locked] of Object.entries(packages)) {
    if (path === '' || locked.dev) continue;
    const manifest = join(root, path, 'package.json');
    if (!existsSync(manifest)) {
      // Not installed because the package is for another operating system, processor or C library.
      if (locked.optional || locked.os || locked.cpu) absent++;
      else faults.push(`${path}: is not installed; run npm ci`);
      continue;
    }
    const { name, license, licenses } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      name: string;
      license?: string | { type: string };
      licenses?: { type: string }[];
    };
    const said =
      typeof license === 'string' ? license : (license?.type ?? licenses?.map(({ type }) => type).join(' OR '));
    const known = KNOWN[name];
    if (known && (said ?? known.licence) === known.licence)
      counts.set(known.licence, (counts.get(known.licence) ?? 0) + 1);
    else if (said !== undefined && isAllowed(said)) counts.set(said, (counts.get(said) ?? 0) + 1);
    else
      faults.push(
        `${name}: ${said ?? 'no licence'} is not one of ${[...ALLOWED].join(', ')}; use another package, or ` +
          'add it to scripts/licences.ts with the reason why it may be used',
      );
  }
  process.stdout.write(
    `${[...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([licence, count]) => `${licence} × ${count}`)
      .join(', ')}; ${absent} for other machines\n`,
  );
  if (faults.length > 0) {
    process.stderr.write(`${faults.join('\n')}\n`);
    process.exitCode = 1;
  }
}

if (require.main === module)
  runScript(
    {
      name: 'licences',
      about:
        'Checks that every production dependency, direct or not, optional or not, has an allowed licence. Reads ' +
        'package-lock.json and node_modules. Exits with 1 and names each package with another licence or none.',
      examples: [['', 'the licences in use, with the number of packages of each']],
    },
    (cli) => cli,
    checkLicences,
  );
