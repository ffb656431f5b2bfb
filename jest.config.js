const { availableParallelism } = require('node:os');

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

/** Tests mirror src/. Each file starts what it needs; the slow groups share one embedded stack per file. */
module.exports = {
  runner: '<rootDir>/test/support/jest/laneRunner.ts',
  testEnvironment: '<rootDir>/test/support/jest/patientEnvironment.ts',
  setupFiles: ['<rootDir>/test/support/realm.ts'],
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // They take half as long as all others together: `npm run test:kills`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/faults/'],
  transform: {
    '^.+\\.(t|j|mj)s$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // Published as ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!(jose|hyparquet|hyparquet-writer|aedes)/)'],
  // The longest tests wait for timeouts after kills: on two cores two more files are run meanwhile.
  maxWorkers: Math.max(4, availableParallelism()),
  testTimeout: 600_000,
  // For `npm run coverage`. Workflows run in Temporal's sandbox, and the others in processes of their own, where Jest does
  // not see which lines run.
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', '!src/workflows/**', '!src/main.ts', '!src/local/**/*{Server,main}.ts'],
  coverageReporters: ['text-summary', 'html', 'lcovonly'],
  coverageDirectory: 'coverage',
  // Node's own teardown after native add-ons may loop for ever, long after the last result (nodejs/node#47748).
  forceExit: true,
  workerGracefulExitTimeout: 3_000,
};
