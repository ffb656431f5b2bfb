/** Signs the customers' links, in tests. */
export const TEST_SECRET = 'a-secret-of-the-tests-0123456789ab';
