import type { Decision } from '../../src/domain/fraud/decision';
import type { Transaction } from '../../src/domain/fraud/transaction';
import { iso } from '../../src/domain/ids';
import { DecisionStore } from '../../src/stores/fraud/decisions';
import type { Db } from '../../src/stores/dynamodb';
import type { Payment } from './payment';

/** The body that posts a transaction. */
export const bodyOf = ({ timestamp, ...rest }: Transaction): Payment => ({ ...rest, timestamp: iso(timestamp) });

/** The part of a decision that does not depend on when and how fast it was made. */
const essence = ({ latencyMs: _took, decidedAt: _at, ...decision }: Decision) => decision;

/** The stored decisions of transactions with their features, and the stored profiles of their users, by their ids. */
export async function decidedOf(db: Db, all: readonly Transaction[]) {
  const store = new DecisionStore(db);
  const found = await store.findAll(all.map(({ transactionId }) => transactionId));
  const inputs = await store.inputsOf(all);
  return {
    decisions: new Map(
      found.map(({ transaction, decision, features }) => [
        transaction.transactionId,
        { decision: essence(decision), features },
      ]),
    ),
    users: new Map(inputs.map(({ user }, i) => [all[i]!.userId, user])),
  };
}
