import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import type { Label } from '../../domain/fraud/label';
import type { Transaction } from '../../domain/fraud/transaction';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';

export interface LabelledTransaction {
  transaction: Transaction;
  /** Absent: not known. */
  label?: Label;
}

/** Every decided transaction with what is known of it, in no order, page by page. Reads the whole table. */
export async function* scanDecisions(db: Db): AsyncGenerator<LabelledTransaction[]> {
  for (let from: Record<string, unknown> | undefined, first = true; first || from; first = false) {
    const { Items = [], LastEvaluatedKey } = await db.client.send(
      new ScanCommand({
        TableName: db.table('Decisions'),
        // Reserved word, hence the alias.
        ProjectionExpression: '#transaction, UserID, HistoryKey',
        ExpressionAttributeNames: { '#transaction': 'Transaction' },
        ...defined({ ExclusiveStartKey: from }),
      }),
    );
    from = LastEvaluatedKey;
    const { TransactionHistory } = await batchGet(db, {
      TransactionHistory: {
        keys: Items.map(({ UserID, HistoryKey }) => ({ UserID, TimeTransactionID: HistoryKey })),
        projection: 'TransactionID, Label',
      },
    });
    const known = new Map(
      TransactionHistory.map((item) => [item['TransactionID'], item['Label'] as Label | undefined]),
    );
    yield Items.map((item) => {
      const transaction = JSON.parse(item['Transaction'] as string) as Transaction;
      const label = known.get(transaction.transactionId);
      return { transaction, ...defined({ label }) };
    });
  }
}
