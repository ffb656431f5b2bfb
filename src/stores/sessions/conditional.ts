import { setTimeout as sleep } from 'node:timers/promises';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LongwatchError } from '../../domain/errors';

/** What kept an item of a write from being written: the item that did not meet the condition, or that there was none. */
export type InTheWay = Record<string, unknown> | 'absent' | 'nothing' | 'conflict';

export const MAX_TRIES = 8;

/**
 * Writes on a condition, and again where another transaction on the item was under way: nothing is known then.
 * @returns undefined when it is written, else what stood in the way, of each item of a transaction.
 */
export async function attempt(write: () => Promise<unknown>): Promise<readonly InTheWay[] | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      await write();
      return undefined;
    } catch (error) {
      const inTheWay = standingInTheWay(error);
      if (!inTheWay) throw error;
      if (!inTheWay.includes('conflict')) return inTheWay;
      if (tries === MAX_TRIES) throw contention(error);
      await sleep(Math.random() * 20 * tries);
    }
  }
}

export const contention = (cause?: unknown) => new LongwatchError('contention', 'The session was busy; try again', { cause });

type Attributes = Parameters<typeof unmarshall>[0];

/** By the errors' names: an application may bring a client from another copy of the SDK, whose classes are not ours. */
function standingInTheWay(error: unknown): InTheWay[] | undefined {
  const { name, Item, CancellationReasons = [] } = error as { name?: string; Item?: Attributes; CancellationReasons?: { Code?: string; Item?: Attributes }[] };
  const found = (item: Attributes | undefined): InTheWay => (item ? unmarshall(item) : 'absent');
  switch (name) {
    case 'ConditionalCheckFailedException':
      return [found(Item)];
    case 'TransactionConflictException':
      return ['conflict'];
    case 'TransactionCanceledException': {
      // Throttled, too large, …: a fault like any other.
      if (CancellationReasons.some(({ Code = 'None' }) => !/^(None|ConditionalCheckFailed|TransactionConflict)$/.test(Code))) return undefined;
      return CancellationReasons.map(({ Code, Item: item }) => (Code === 'ConditionalCheckFailed' ? found(item) : Code === 'TransactionConflict' ? 'conflict' : 'nothing'));
    }
    default:
      return undefined;
  }
}
