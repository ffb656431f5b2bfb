import { defined } from '../../domain/defined';
import type { Label } from '../../domain/fraud/label';
import type { Transaction } from '../../domain/fraud/transaction';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import { queryAll, readEach } from '../query';
import { decisionItems, labelItems } from './transactionItems';

const scannedItems = decisionItems.pick('transaction', 'userId', 'historyKey');

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
    const scanned = readEach(db, items, scannedItems.read);
    const { TransactionHistory } = await batchGet(db, {
      TransactionHistory: {
        keys: scanned.map(({ userId, historyKey }) => ({ UserID: userId, TimeTransactionID: historyKey })),
        projection: labelItems.attributes.join(', '),
      },
    });
    const known = new Map(
      readEach(db, TransactionHistory, labelItems.read).map(({ transactionId, label }) => [transactionId, label]),
    );
    yield scanned.map(({ transaction }) => ({
      transaction,
      ...defined({ label: known.get(transaction.transactionId) }),
    }));
  }
}
