const base = require('./jest.config.js');

/** The suites that kill processes and terminate workflows at random and at every step. CI runs them after `npm test`. */
module.exports = {
  ...base,
  testMatch: ['**/test/faults/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
