import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Prettier breaks code at 120 characters, but neither strings nor comments. These lines are longer because they are
 * one regular expression, which cannot be broken.
 */
const ALLOWED: Readonly<Record<string, number>> = {
  'test/config/index.test.ts': 1,
  'test/deploy/stack.test.ts': 1,
  'test/lab/transactionFile.test.ts': 1,
  'test/local/folders.test.ts': 1,
  'test/package/production.test.ts': 1,
};

const ROOT = join(__dirname, '..', '..');
const MAX = 120;
const FOLDERS = ['src', 'test', 'bench', 'scripts', 'deploy', 'model'];
const CODE = /\.(ts|mjs|py)$/;

it('no line of code is over 120 characters, but for the regular expressions that are listed here', () => {
  const found: Record<string, number> = {};
  const surplus: string[] = [];
  for (const folder of FOLDERS)
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!CODE.test(name) || /(^|\/)(\.venv|node_modules|__pycache__)\//.test(name)) continue;
      const file = join(folder, name);
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .forEach((line, i) => {
          // Characters as people count them, not UTF-16 units.
          if ([...line].length <= MAX) return;
          found[file] = (found[file] ?? 0) + 1;
          if (found[file] > (ALLOWED[file] ?? 0)) surplus.push(`${file}:${i + 1}`);
        });
    }
  expect(surplus).toEqual([]);
  // A list that is longer than what is found lets new lines in.
  expect(found).toEqual(ALLOWED);
});
