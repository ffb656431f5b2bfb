import { CachedVersion } from '../../../src/operations/fraud/cachedVersion';
import type { Stored, VersionedStore } from '../../../src/stores/versioned';

it('of two refreshes that overlap, the older one puts no old version back', async () => {
  const versions: ((version: number) => void)[] = [];
  const values: (() => void)[] = [];
  const store: Pick<VersionedStore<string>, 'currentVersion' | 'version'> = {
    currentVersion: () => new Promise((resolve) => versions.push(resolve)),
    version: (version) =>
      new Promise((resolve) =>
        values.push(() => resolve({ version, value: `v${version}`, putBy: 'ana', putAt: '' } satisfies Stored<string>)),
      ),
  };
  const current = new CachedVersion(
    store as VersionedStore<string>,
    (value) => value,
    () => undefined,
  );
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  // The first has read the pointer, and waits for its version; the second overtakes it.
  const slow = current.refresh();
  versions[0]!(1);
  await settled();
  const quick = current.refresh();
  versions[1]!(2);
  await settled();
  values[1]!();
  await quick;
  expect(current.current()).toBe('v2');
  values[0]!();
  await slow;
  expect(current.current()).toBe('v2');

  // A pointer that was read late, too.
  const late = current.refresh();
  versions[2]!(1);
  await settled();
  expect(values).toHaveLength(2);
  await late;
  expect(current.current()).toBe('v2');
});
