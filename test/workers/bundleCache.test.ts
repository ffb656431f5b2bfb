import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BundleCache } from '../../src/workers/bundleCache';

let root: string;
let cache: BundleCache;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'longwatch-bundles-'));
  mkdirSync(join(root, 'domain', 'carts'), { recursive: true });
  writeFileSync(join(root, 'domain', 'carts', 'cart.ts'), 'export const limit = 1;');
  writeFileSync(join(root, 'domain', 'ids.ts'), 'export const id = 1;');
  writeFileSync(join(root, 'lock.json'), '{}');
  cache = new BundleCache(join(root, 'bundles'), [join(root, 'domain'), join(root, 'lock.json'), join(root, 'none')]);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('finds what was stored for the same sources and options, whole and no other', () => {
  expect(cache.find(['a'])).toBeUndefined();
  const path = cache.store(['a'], 'code of a');
  expect(cache.find(['a'])).toBe(path);
  expect(readFileSync(path, 'utf8')).toBe('code of a');
  expect(cache.find(['b'])).toBeUndefined();
  expect(cache.find(['a', undefined])).toBeUndefined();
  expect(readdirSync(join(root, 'bundles'))).toHaveLength(1);
});

it.each<[string, () => void]>([
  ['another content', () => writeFileSync(join(root, 'domain', 'carts', 'cart.ts'), 'export const limit = 2;')],
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
  cache.store(['a'], 'code');
  change();
  expect(cache.find(['a'])).toBeUndefined();
});

it('keeps the newest four, and nothing else of the folder is touched', () => {
  mkdirSync(join(root, 'bundles'));
  writeFileSync(join(root, 'bundles', 'other.js'), '');
  for (let i = 0; i < 6; i++) {
    const path = cache.store([i], `code ${i}`);
    utimesSync(path, 1_000 + i, 1_000 + i);
  }
  expect([0, 1, 2, 3, 4, 5].map((i) => cache.find([i]) !== undefined)).toEqual([false, false, true, true, true, true]);
  expect(readdirSync(join(root, 'bundles'))).toContain('other.js');
});
