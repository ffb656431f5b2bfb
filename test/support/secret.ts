import { AnswerLinks } from '../../src/gateways/fraud/answerLinks';

/** Signs the customers' links, in tests. */
export const TEST_SECRET = 'a-secret-of-the-tests-0123456789ab';

/** The links that a test graph sends to customers. */
export const answerLinks = new AnswerLinks(TEST_SECRET, () => 'http://longwatch.test');
