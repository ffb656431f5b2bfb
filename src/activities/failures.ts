import { ApplicationFailure } from '@temporalio/common';
import { isLongwatchError } from '../domain/errors';

/**
 * Runs an activity's work. Our typed errors become `ApplicationFailure`s with the same type, final where
 * `domain/errors.ts` says so; everything else passes through and is retried by the activity's policy.
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
