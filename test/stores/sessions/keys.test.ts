import { bucketOf, keyLength, newHandle, sessionKey } from '../../../src/stores/sessions/keys';

it('a key is the prefix and a hash of the id, and its length tells prefixes apart', () => {
  const key = sessionKey('app:', 'secret id');
  expect(key).toMatch(/^app:[A-Za-z0-9_-]{43}$/);
  expect(key).not.toContain('secret');
  expect(sessionKey('app:', 'secret id')).toBe(key);
  expect(key).toHaveLength(keyLength('app:'));
  expect(sessionKey('app:x', 'secret id')).not.toHaveLength(keyLength('app:'));
});

it('handles sort by their creation, and no two are equal', () => {
  const times = [0, 35, 36, 1_700_000_000_000, 1_700_000_000_001];
  const handles = times.map((at) => newHandle(at));
  expect([...handles].sort()).toEqual(handles);
  expect(newHandle(5)).not.toBe(newHandle(5));
});

it('a session stays in its part of the expiry index, and sessions use all parts', () => {
  const buckets = Array.from({ length: 200 }, (_, i) => bucketOf(`key-${i}`, 4));
  expect(new Set(buckets)).toEqual(new Set(['0', '1', '2', '3']));
  expect(bucketOf('key-0', 4)).toBe(buckets[0]);
});
