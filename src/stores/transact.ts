import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { Db } from './dynamodb';
import { isContentionCode } from './failures';
import type { TransactItem } from './platform/outbox';

/** The items of a transaction, by the names that its result uses. An undefined part has no items. */
export type Parts<N extends string> = {
  readonly [name in N]?: TransactItem | readonly TransactItem[] | undefined;
};

/** An item of a part whose condition failed. */
export interface LostItem {
  /** The position of the item in its part, from 0. */
  index: number;
  /** The stored item, if it exists and the write requested it (`ReturnValuesOnConditionCheckFailure`). */
  stored?: Record<string, unknown>;
}

/** The reason why a transaction wrote nothing. */
export interface Cancelled<N extends string> {
  /** Parts with a failed condition, and the items whose condition failed. */
  lost: ReadonlyMap<N, readonly LostItem[]>;
  /**
   * Parts with an item that another transaction was writing, or that was throttled. The same transaction may succeed
   * later.
   */
  busy: ReadonlySet<N>;
  cause: unknown;
}

/**
 * Writes all items of all parts, or none of them.
 * @returns undefined if all were written, otherwise the parts that lost a condition or met contention.
 * @throws LongwatchError `unavailable` or `refused` if no race cancelled the transaction.
 */
export async function transact<N extends string>(db: Db, parts: Parts<N>): Promise<Cancelled<N> | undefined> {
  const placed = (Object.keys(parts) as N[]).flatMap((name) => {
    const part: TransactItem | readonly TransactItem[] = parts[name] ?? [];
    return [part].flat().map((item: TransactItem, index) => ({ name, item, index }));
  });
  try {
    await db.client.send(new TransactWriteCommand({ TransactItems: placed.map(({ item }) => item) }));
    return undefined;
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    const lost = new Map<N, LostItem[]>();
    const busy = new Set<N>();
    for (const [i, { Code: code = 'None', Item: stored }] of (error.CancellationReasons ?? []).entries()) {
      const place = placed[i];
      if (!place) continue;
      const { name, index } = place;
      if (isContentionCode(code)) busy.add(name);
      if (code !== 'ConditionalCheckFailed') continue;
      lost.set(name, [...(lost.get(name) ?? []), { index, ...(stored && { stored: unmarshall(stored) }) }]);
    }
    return { lost, busy, cause: error };
  }
}
