/**
 * Arrows between floors point one way. What each floor may import of ours:
 *   domain                 nothing
 *   telemetry              domain
 *   stores, gateways       domain, telemetry, and how AWS is called (awsHttp)
 *   workflow declarations  domain
 *   operations             domain, telemetry, stores, gateways, workflow declarations
 *   activities             domain, telemetry, stores, gateways, operations, workflow declarations
 *   workflows              domain, and the types of activities
 *   workers                domain, telemetry, activities, workflow declarations
 *   api                    domain, telemetry, stores, operations, workflow declarations
 *   lab                    domain
 *   local                  config, domain, awsHttp
 *   lambda                 config, graph, endpoints, api, activities, gateways, workflow declarations
 *   graph, run, main       everything (only run and main see local)
 */
const declarations = '^src/workflows/.*(declarations|lifecycles|searchAttributes|carrierHeader)[.]ts$';
const awsHttp = '^src/awsHttp[.]ts$';
const floor = (name, allowed) => ({
  name: `${name.replace(/\W/g, '')}-imports-only-what-is-below`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: [`^src/${name}/`, ...allowed.map((a) => (a.startsWith('^') ? a : `^src/${a}/`))] },
});

module.exports = {
  forbidden: [
    floor('domain', []),
    floor('telemetry', ['domain']),
    floor('stores', ['domain', 'telemetry', awsHttp]),
    floor('gateways', ['domain', 'telemetry', declarations, awsHttp]),
    floor('operations', ['domain', 'telemetry', 'stores', 'gateways', declarations]),
    floor('activities', ['domain', 'telemetry', 'stores', 'gateways', 'operations', declarations]),
    floor('workflows', ['domain', '^src/activities/.*types[.]ts$']),
    floor('workers', ['domain', 'telemetry', 'activities', '^src/workflows/interceptors[.]ts$', declarations]),
    floor('api', ['domain', 'telemetry', 'stores', 'operations', declarations]),
    floor('lab', ['domain']),
    floor('local', ['domain', '^src/config/', awsHttp]),
    floor('lambda', ['graph', 'api', 'activities', 'gateways', declarations, '^src/config/', '^src/endpoints\\.ts$']),
    {
      name: 'workflow-declarations-know-only-domain',
      severity: 'error',
      from: { path: declarations },
      to: { path: '^src/', pathNot: ['^src/domain/', declarations] },
    },
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
      from: { path: '^src/', pathNot: ['^src/config/', '^src/(main|endpoints)\\.ts$', '^src/run/', '^src/graph/', '^src/lambda/', '^src/local/'] },
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
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'], exportsFields: ['exports'], conditionNames: ['require', 'node', 'default'] },
  },
};
