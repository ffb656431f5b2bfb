import type { Db } from '../../../stores/dynamodb';
import type { TransactItem } from '../../../stores/platform/outbox';
import { transact } from '../../../stores/transact';

/**
 * Writes guards and effects in one transaction.
 * @returns undefined when written; `condition` if the condition of a guard failed; `raced` if the condition of an
 *   effect failed or another write was in progress on an item
 */
export async function writeGuarded(
  db: Db,
  guards: TransactItem | readonly TransactItem[],
  effects: readonly TransactItem[],
): Promise<'condition' | 'raced' | undefined> {
  const cancelled = await transact(db, { guards, effects });
  return cancelled && (cancelled.lost.has('guards') ? 'condition' : 'raced');
}
