import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { everyRoute } from '../../../src/api/app';
import { loadClassifier } from '../../../src/api/admission/loadClassifier';
import type { AnyRoute } from '../../../src/api/http/router';
import { loadClasses } from '../../../src/domain/platform/loadClass';
import { startTestGraph, type TestGraph } from '../../support/graph';

const page = readFileSync(join(__dirname, '../../../docs/load.md'), 'utf8');
let graph: TestGraph;
let routes: AnyRoute[];
beforeAll(async () => {
  graph = await startTestGraph();
  routes = everyRoute({
    routes: graph.routes,
    registry: new Registry(),
    readiness: () => graph.readiness('elsewhere'),
    version: 'test',
  });
});
afterAll(() => graph?.stop());

it('every route has a load class, which its request line tells', () => {
  const classOf = loadClassifier(routes);
  for (const { method, path, loadClass } of routes) {
    expect(loadClasses).toContain(loadClass);
    const url = path.replace(/:\w+/g, 'a%2Fb');
    for (const asked of [url, `${url}?limit=2`, url === '/' ? url : `${url}/`, url.toUpperCase()])
      expect([method, asked, classOf(method.toUpperCase(), asked)]).toEqual([method, asked, loadClass]);
  }
});

it('docs/load.md names the class of every route that is not interactive', () => {
  const documented = (loadClass: string) => new RegExp(`^\\| \`${loadClass}\` .*$`, 'm').exec(page)?.[0] ?? '';
  for (const loadClass of loadClasses) expect(documented(loadClass)).not.toBe('');
  const missing = routes.filter(
    ({ method, path, loadClass }) =>
      loadClass !== 'interactive' && !documented(loadClass).includes(`\`${method.toUpperCase()} ${path}\``),
  );
  expect(missing.map(({ method, path, loadClass }) => `${loadClass}: ${method.toUpperCase()} ${path}`)).toEqual([]);
});
