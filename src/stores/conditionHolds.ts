import { ConditionalCheckFailedException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { LongwatchError } from '../domain/errors';
import { againAfter, retry } from '../timing/retry';
import { cancellationCodes } from './dynamodb';

const ATTEMPTS = 20;

/**
 * Runs a conditional write and returns whether its condition held. Retries it, up to 20 attempts, while other
 * transactions write the same items, which is normal under contention.
 * @throws LongwatchError `contention` when every attempt met another transaction.
 */
export async function conditionHolds(write: () => Promise<unknown>): Promise<boolean> {
  const exhausted = (cause: unknown) =>
    new LongwatchError('contention', 'Other requests kept writing the same items; try again', { cause });
  return retry({ attempts: ATTEMPTS, exhausted }, async () => {
    try {
      await write();
      return true;
    } catch (error) {
      const codes = cancellationCodes(error);
      if (error instanceof ConditionalCheckFailedException || codes?.includes('ConditionalCheckFailed')) return false;
      if (!(error instanceof TransactionConflictException) && !codes?.includes('TransactionConflict')) throw error;
      return againAfter(error);
    }
  });
}
