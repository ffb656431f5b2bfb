import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BundleCache } from '../../src/workers/bundleCache';

let root: string;
let cache: BundleCache;
const CODE = 'exports.a = 1;\nexports.b = 2;\n';
const cart = () => join(root, 'domain', 'carts', 'cart.ts');
const find = (...options: unknown[]): string | undefined => {
  const path = cache.pathOf(options);
  return cache.has(path) ? readFileSync(path, 'utf8').replace(/^\/\* sha256 [0-9a-f]{64} \*\//, '') : undefined;
};
function store(code: string, ...options: unknown[]): string {
  const path = cache.pathOf(options);
  cache.store(path, options, code);
  return path;
}
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'longwatch-bundles-'));
  mkdirSync(join(root, 'domain', 'carts'), { recursive: true });
  writeFileSync(cart(), 'export const limit = 1;');
  writeFileSync(join(root, 'domain', 'ids.ts'), 'export const id = 1;');
  writeFileSync(join(root, 'lock.json'), '{}');
  cache = new BundleCache(join(root, 'bundles'), [join(root, 'domain'), join(root, 'lock.json'), join(root, 'none')]);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('finds what was stored for the same sources and options, and no other', () => {
  expect(find('a')).toBeUndefined();
  const path = store(CODE, 'a');
  expect(find('a')).toBe(CODE);
  expect(readFileSync(path, 'utf8')).toMatch(/^\/\* sha256 [0-9a-f]{64} \*\/exports\.a/);
  expect(find('b')).toBeUndefined();
  expect(find('a', undefined)).toBeUndefined();
  expect(readdirSync(join(root, 'bundles'))).toHaveLength(1);
});

it.each<[string, () => void]>([
  ['another content', () => writeFileSync(cart(), 'export const limit = 2;')],
  ['a new file', () => writeFileSync(join(root, 'domain', 'carts', 'stock.ts'), '')],
  [
    'a file under another name',
    () => {
      rmSync(join(root, 'domain', 'ids.ts'));
      writeFileSync(join(root, 'domain', 'idz.ts'), 'export const id = 1;');
    },
  ],
  ['another package', () => writeFileSync(join(root, 'lock.json'), '{"a":1}')],
  ['a source that was missing', () => writeFileSync(join(root, 'none'), '')],
])('%s makes another bundle', (_, change) => {
  store(CODE, 'a');
  change();
  expect(find('a')).toBeUndefined();
});

it('a bundle of sources that changed while it was made is not kept, under neither of their states', () => {
  const before = readFileSync(cart());
  const path = cache.pathOf(['a']);
  writeFileSync(cart(), 'export const limit = 2;');
  cache.store(path, ['a'], CODE);
  expect(find('a')).toBeUndefined();
  writeFileSync(cart(), before);
  expect(find('a')).toBeUndefined();
});

it.each<[string, (path: string) => void]>([
  ['a part of the file', (path) => truncateSync(path, 90)],
  ['an empty file', (path) => truncateSync(path, 0)],
  ['other code', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('= 2', '= 3'))],
  [
    'a folder',
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
])('%s is not taken for the bundle', (_, damage) => {
  damage(store(CODE, 'a'));
  expect(find('a')).toBeUndefined();
});

it('keeps the eight that were used last, and touches nothing else in the folder', () => {
  mkdirSync(join(root, 'bundles'));
  writeFileSync(join(root, 'bundles', 'other.js'), '');
  const paths = Array.from({ length: 8 }, (_, i) => store(`code ${i}`, i));
  for (const [i, path] of paths.entries()) utimesSync(path, 1_000 + i, 1_000 + i);
  expect(find(0)).toBe('code 0');
  store('code 8', 8);
  expect(paths.map((path) => existsSync(path))).toEqual([true, false, true, true, true, true, true, true]);
  expect(readdirSync(join(root, 'bundles'))).toContain('other.js');
});
