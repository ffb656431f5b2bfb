import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/**
 * A test that hangs ends by then. Nothing else may end it: on a busy machine a good one takes ten times as long as on a
 * quiet one.
 */
const AT_LEAST_MS = 10 * 60_000;

/** Node, with patience: a timeout that a test or a hook states only ever lengthens the usual one. */
export default class PatientEnvironment extends TestEnvironment {
  handleTestEvent(event: Circus.AsyncEvent | Circus.SyncEvent): void {
    if (event.name === 'test_start') event.test.timeout = Math.max(event.test.timeout ?? 0, AT_LEAST_MS);
    if (event.name === 'hook_start') event.hook.timeout = Math.max(event.hook.timeout ?? 0, AT_LEAST_MS);
  }
}
