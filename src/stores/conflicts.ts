import { setTimeout as sleep } from 'node:timers/promises';
import { ConditionalCheckFailedException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { LongwatchError } from '../domain/errors';
import { cancellationCodes } from './dynamodb';

const TRIES = 20;

/**
 * Tries a write again for as long as other transactions hold its items, which is normal under contention, and says
 * whether its condition held.
 * @throws LongwatchError `contention` when it was held up every time.
 */
export async function held(write: () => Promise<unknown>): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      await write();
      return true;
    } catch (error) {
      const codes = cancellationCodes(error);
      if (error instanceof ConditionalCheckFailedException || codes?.includes('ConditionalCheckFailed')) return false;
      if (!(error instanceof TransactionConflictException) && !codes?.includes('TransactionConflict')) throw error;
      if (tries === TRIES)
        throw new LongwatchError('contention', 'Others were writing the same all the time; try again', {
          cause: error,
        });
      await sleep(Math.random() * Math.min(5 * 2 ** tries, 200));
    }
  }
}
