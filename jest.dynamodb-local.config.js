const base = require('./jest.config.js');

/**
 * The suites that touch conditions, keys, indexes and cursors once more, on DynamoDB Local: the two engines differ in what
 * they refuse, and AWS is stricter than either (docs/decisions/0033-one-edge.md). Suites that run on both engines by
 * themselves (`describe.each(engines)`) are left out.
 */
module.exports = {
  ...base,
  setupFiles: [...base.setupFiles, '<rootDir>/test/support/onDynamoDBLocal.ts'],
  testMatch: [
    '**/test/api/{carts,checkouts,cursors,decisions,devicePaths,devices,edge,feeds,investigations,leaderboards,roles,sessions,shadow}.test.ts',
    '**/test/activities/{consumer,feedRaces,feeds,rankCounters,readingChanges,sessionSweeper}.test.ts',
    '**/test/operations/{deviceArchive,stock}.test.ts',
    '**/test/stores/sessionsModel.test.ts',
    '**/test/fuzz/*.test.ts',
  ],
};
