/**
 * Imports point down. The layers, and what each may import:
 *   domain            nothing; it declares workflow ids, types, inputs and results, too
 *   timing            domain
 *   telemetry         domain
 *   gateways          domain, timing, telemetry
 *   stores            domain, timing, telemetry, and how AWS is called (gateways/aws)
 *   operations        domain, timing, telemetry, stores, gateways
 *   activities        domain, timing, telemetry, stores, gateways, operations
 *   workflows         domain, and the types of activities
 *   workers           domain, timing, telemetry, activities, and the types of the workflow interceptors
 *   api               domain, timing, telemetry, stores, operations
 *   config            domain, and how payload keys are written (gateways/encryption/keys)
 *   metrics           domain, timing, telemetry, and the types of stores
 *   lab               domain
 *   local             domain, timing, config, and how AWS is called
 *   lambda            domain, config, gateways, operations, api, graph
 *   graph, run, main  everything (only run and main import local)
 */
const awsCalls = '^src/gateways/aws/';
const layer = (name, allowed) => ({
  name: `${name.replace(/\W/g, '')}-imports-only-what-is-below`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: [`^src/${name}/`, ...allowed.map((a) => (a.startsWith('^') ? a : `^src/${a}/`))] },
});

module.exports = {
  forbidden: [
    layer('domain', []),
    layer('timing', ['domain']),
    layer('telemetry', ['domain']),
    layer('stores', ['domain', 'timing', 'telemetry', awsCalls]),
    layer('gateways', ['domain', 'timing', 'telemetry']),
    layer('operations', ['domain', 'timing', 'telemetry', 'stores', 'gateways']),
    layer('activities', ['domain', 'timing', 'telemetry', 'stores', 'gateways', 'operations']),
    layer('workflows', ['domain', '^src/activities/.*types[.]ts$']),
    layer('workers', ['domain', 'timing', 'telemetry', 'activities', '^src/workflows/interceptors[.]ts$']),
    layer('api', ['domain', 'timing', 'telemetry', 'stores', 'operations']),
    layer('config', ['domain', '^src/gateways/encryption/keys[.]ts$']),
    layer('metrics', ['domain', 'timing', 'telemetry', 'stores']),
    layer('lab', ['domain']),
    layer('local', ['domain', 'timing', 'config', awsCalls]),
    layer('lambda', ['domain', 'config', 'gateways', 'operations', 'api', 'graph']),
    {
      name: 'workflows-import-no-node-modules',
      comment: 'Workflow code is deterministic: no I/O, no clock, no Node modules.',
      severity: 'error',
      from: { path: ['^src/workflows/', '^src/domain/fraud/investigation'] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-the-run-sees-local',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/local/', '^src/run/', '^src/main\\.ts$'] },
      to: { path: '^src/local/' },
    },
    {
      name: 'only-graph-and-run-see-config',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/config/', '^src/main\\.ts$', '^src/run/', '^src/graph/', '^src/lambda/', '^src/local/'],
      },
      to: { path: '^src/config/' },
    },
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'only-local-uses-optional-dependencies',
      comment: 'The production image leaves them out.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/local/' },
      to: { dependencyTypes: ['npm-optional'] },
    },
    {
      name: 'src-uses-only-production-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default'],
    },
  },
};
