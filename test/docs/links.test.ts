import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';

/** Folders of the repository whose paths pages and comments name. */
const FOLDERS = ['src', 'test', 'scripts', 'deploy', 'bench', 'model', 'docs', 'web', 'docker'];
const GENERATED = /(^|\/)(node_modules|\.venv|histories)\//;

const files = [
  ...readdirSync('.', { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name),
  ...[...FOLDERS, '.ci'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  ),
].filter((path) => !GENERATED.test(path));
const pages = files.filter((path) => path.endsWith('.md'));
const read = (path: string): string => readFileSync(path, 'utf8');
const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '');

/** Every match of a pattern in some files, as `<file>: <match>`, of which `isRight` is not true. */
function wrong(
  paths: readonly string[],
  pattern: RegExp,
  isRight: (match: RegExpMatchArray, path: string) => boolean,
  textOf: (path: string) => string = read,
): string[] {
  return paths.flatMap((path) =>
    [...textOf(path).matchAll(pattern)].filter((match) => !isRight(match, path)).map(([text]) => `${path}: ${text}`),
  );
}

/** The anchors that GitHub gives a page's headings, and those that the page has itself. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  const text = withoutCode(read(path));
  for (const [, heading = ''] of text.matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  for (const [, id = ''] of text.matchAll(/<a id="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/** A path as pages write it: `<capability>` stands for any name, `*` for any part of a name, `…` for a rest. */
function exists(path: string): boolean {
  const pattern = new RegExp(
    `^${path
      .replace(/\/$/, '')
      .replace(/[.+^$()[\]]/g, String.raw`\$&`)
      .replace(/<[^>]+>|\*/g, '[^/]+')
      .replace(/\{([^}]*)\}/g, (_, names: string) => `(?:${names.replaceAll(',', '|')})`)
      .replace(/…$/, '.*')}$`,
  );
  return existsSync(path) || files.some((file) => pattern.test(file));
}

it('every link of a page leads to a file, and to a heading where it names one', () => {
  const leads = ([, target = '']: RegExpMatchArray, path: string): boolean => {
    if (/^[a-z]+:/.test(target)) return true;
    const [file = '', anchor] = target.split('#');
    const to = file === '' ? path : normalize(join(dirname(path), file));
    return existsSync(to) && (anchor === undefined || anchorsOf(to).has(anchor));
  };
  expect(wrong(pages, /\]\(([^)\s]+)\)/g, leads, (path) => withoutCode(read(path)))).toEqual([]);
});

it('every path of the repository that a page names exists', () => {
  const pattern = new RegExp(String.raw`(?<=\x60)((?:${FOLDERS.join('|')}|\.ci)/[^\x60\s]*)(?=\x60)`, 'g');
  expect(wrong(pages, pattern, ([, path = '']) => exists(path))).toEqual([]);
});

it('every test file that a page names exists', () => {
  const names = new Set(files.map((path) => basename(path)));
  const isThere = ([, path = '']: RegExpMatchArray) => exists(path) || names.has(path);
  expect(wrong(pages, /\x60([\w./-]+\.test\.ts)\b/g, isThere)).toEqual([]);
});

it('every script that a page or a program names is one of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const programs = files.filter((path) => /^(src|scripts|deploy|bench|model)\/.*\.ts$/.test(path));
  const isThere = ([, name = '']: RegExpMatchArray) => name in scripts;
  expect(wrong([...pages, ...programs], /\bnpm run (?:-s |--silent )?([a-z][\w-]*(?::[\w-]+)*)/g, isThere)).toEqual([]);
});

it('every page and heading that code or configuration names exists', () => {
  const code = files.filter((path) => /\.(ts|js|yml|json)$|Dockerfile|\.ci\/run/.test(path));
  const isThere = ([, path = '', anchor]: RegExpMatchArray) =>
    existsSync(path) && (anchor === undefined || anchorsOf(path).has(anchor));
  expect(wrong(code, /(?<![\w/.])(docs\/[\w/-]+\.md)(?:#([\w-]+))?/g, isThere)).toEqual([]);
});

it('every setting that a page names is one that some code reads', () => {
  const code = files
    .filter((path) => /^(src|scripts|deploy|test|bench)\/.*\.ts$/.test(path) && path !== 'test/docs/links.test.ts')
    .map(read)
    .join('\n');
  const isThere = ([name]: RegExpMatchArray) => code.includes(name);
  expect(wrong(pages, /\bLONGWATCH_[A-Z0-9_]+[A-Z0-9]\b/g, isThere)).toEqual([]);
});

it('every metric that a page names is listed in docs/metrics.md', () => {
  const listed = read('docs/metrics.md');
  const isThere = ([name]: RegExpMatchArray) => listed.includes(`\`${name.replace(/_(bucket|count|sum)$/, '')}\``);
  // A name that ends with `_*` stands for several.
  expect(wrong(pages, /\blongwatch_[a-z_]*[a-z](?![a-z_*])/g, isThere)).toEqual([]);
});

/** The rows of a page's tables that have the columns `file` and `names`, with what is in backticks there. */
function namedRows(path: string): { row: string; its: string[]; names: string[] }[] {
  const code = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
  const cellsOf = (line: string) => line.split('|').map((cell) => cell.trim());
  let columns: string[] = [];
  return read(path)
    .split('\n')
    .flatMap((row, i, lines) => {
      if (!row.startsWith('|')) return [];
      if (!lines[i - 1]?.startsWith('|')) columns = cellsOf(row);
      const [file, names] = [columns.indexOf('file'), columns.indexOf('names')];
      if (file < 0 || names < 0) return [];
      const cells = cellsOf(row);
      return [{ row, its: code(cells[file]), names: code(cells[names]) }];
    });
}

it('every name that a page looks for in a file is there', () => {
  const rows = pages.flatMap(namedRows);
  expect(rows.flatMap(({ names }) => names).length).toBeGreaterThan(100);
  const missing = rows.flatMap(({ its, names }) => {
    const text = its.map(read).join('\n');
    return names.filter((name) => !new RegExp(String.raw`\b${name}\b`).test(text)).map((name) => `${name}: ${its}`);
  });
  expect(missing).toEqual([]);
});

it('every name that a page says is in a file is there', () => {
  const isThere = ([, name = '', path = '']: RegExpMatchArray) => new RegExp(String.raw`\b${name}\b`).test(read(path));
  expect(wrong(pages, /\x60(\w+)\x60(?: and \x60\w+\x60)? in \x60([\w/.-]+\.ts)\x60/g, isThere)).toEqual([]);
});
