import { execFileSync } from 'node:child_process';
import { built, builtRoot } from '../support/built';

/** Returns the files of `src/` and the packages that a process has loaded after it required some modules. */
function loadedWith(...files: string[]): string[] {
  const code = `${files.map((file) => `require(${JSON.stringify(built(file))});`).join('')}
console.log(JSON.stringify(Object.keys(require.cache)));`;
  const paths = JSON.parse(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' })) as string[];
  return paths.map((path) =>
    path.replace(`${builtRoot()}/`, '').replace(/^.*node_modules\/((@[^/]+\/)?[^/]+).*/, '$1'),
  );
}

it('the list of capabilities loads no code that runs them, and no client of a service', () => {
  const loaded = loadedWith('src/graph/capabilities.ts', 'src/graph/config.ts');
  expect(loaded).toContain('src/graph/carts.js');
  expect(
    loaded.filter((one) => /^(src\/(api|operations|activities|graph\/\w+\/)|@aws-sdk|@temporalio)/.test(one)),
  ).toEqual([]);
});

it('a capability that is built loads only its own code', () => {
  const loaded = loadedWith('src/graph/capabilities.ts', 'src/graph/carts/build.ts');
  expect(loaded).toContain('src/operations/carts/carts.js');
  expect(loaded.filter((one) => /\/(fraud|sessions|leaderboards|feeds|devices)\/build/.test(one))).toEqual([]);
  expect(
    loaded.filter((one) =>
      /^src\/(api|operations|activities)\/(fraud|sessions|leaderboards|feeds|devices)\//.test(one),
    ),
  ).toEqual([]);
});
