import { ApplicationFailure } from '@temporalio/common';
import { isLongwatchError } from '../domain/errors';

/**
 * Runs an activity's work. A typed error becomes an `ApplicationFailure` of the same type, non-retryable if it is final
 * (`domain/errors.ts`). The activity's retry policy applies to every other error.
 */
export async function asFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isLongwatchError(error)) throw error;
    throw ApplicationFailure.create({
      message: error.message,
      type: error.type,
      nonRetryable: error.final,
      cause: error,
    });
  }
}
