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
    '**/test/api/{carts,devices,feeds,fraud,leaderboards,sessions}/*.test.ts',
    '**/test/api/{cursors,edge,roles}.test.ts',
    '**/test/operations/{feeds/{fanOut,feedRaces},leaderboards/rankCounters,devices/readingChanges,sessions/sweeper,platform/streams/consumer}.test.ts',
    '**/test/operations/{devices/archiver,carts/stock}.test.ts',
    '**/test/stores/sessions/sessionsModel.test.ts',
    '**/test/fuzz/*.test.ts',
  ],
};
