import { defined } from '../../domain/defined';
import type { Label } from '../../domain/fraud/label';
import type { Transaction } from '../../domain/fraud/transaction';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import { queryAll } from '../query';

/** A decided transaction with its label. */
export interface LabelledTransaction {
  transaction: Transaction;
  /** Absent if not known. */
  label?: Label;
}

/** Returns every decided transaction with its label, in no order, page by page. Scans the whole table. */
export async function* scanDecisions(db: Db): AsyncGenerator<LabelledTransaction[]> {
  const scan = {
    table: 'Decisions',
    // `Transaction` is a reserved word.
    projection: '#transaction, UserID, HistoryKey',
    names: { '#transaction': 'Transaction' },
  };
  for await (const items of queryAll(db, scan)) {
    const { TransactionHistory } = await batchGet(db, {
      TransactionHistory: {
        keys: items.map(({ UserID, HistoryKey }) => ({ UserID, TimeTransactionID: HistoryKey })),
        projection: 'TransactionID, Label',
      },
    });
    const known = new Map(
      TransactionHistory.map((item) => [item['TransactionID'], item['Label'] as Label | undefined]),
    );
    yield items.map((item) => {
      const transaction = JSON.parse(item['Transaction'] as string) as Transaction;
      const label = known.get(transaction.transactionId);
      return { transaction, ...defined({ label }) };
    });
  }
}
