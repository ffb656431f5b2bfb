import { defined } from '../../domain/defined';
import type { Label } from '../../domain/fraud/label';
import type { Transaction } from '../../domain/fraud/transaction';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import { queryAll } from '../query';

export interface LabelledTransaction {
  transaction: Transaction;
  /** Absent: not known. */
  label?: Label;
}

/** Every decided transaction with what is known of it, in no order, page by page. Reads the whole table. */
export async function* scanDecisions(db: Db): AsyncGenerator<LabelledTransaction[]> {
  const scan = {
    table: 'Decisions',
    // Reserved word, hence the alias.
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
