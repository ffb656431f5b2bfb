const { availableParallelism } = require('node:os');
const base = require('./jest.config.js');

/**
 * The folders whose tests start no engine, server or process: under two minutes on two cores. Their runner is Jest's own,
 * because there is nothing that would have to take turns.
 */
module.exports = {
  ...base,
  runner: 'jest-runner',
  testMatch: [
    '**/test/{config,costs,docs,domain,metrics,support,telemetry}/**/*.test.ts',
    '**/test/api/{admission,http}/*.test.ts',
  ],
  maxWorkers: Math.max(2, availableParallelism()),
};
