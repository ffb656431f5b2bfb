import { type CaseStatus, type OpeningFacts } from '../../domain/fraud/investigation';
import { compositeKey, iso } from '../../domain/ids';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../ledger';

const CASE = 'case';

/** Cases, their timelines, and what the API attests about who decided. */
export class InvestigationStore {
  constructor(private readonly db: Db) {}

  /** The part of a `TransactWriteItems` that opens a case. */
  openingItem({ transaction, decision, openedAt }: OpeningFacts): TransactItem {
    const { transactionId, userId, merchantId, amount, currency } = transaction;
    return {
      Put: {
        TableName: this.db.table('Investigations'),
        Item: {
          TransactionID: transactionId,
          Entry: CASE,
          CaseStatus: 'scoring' satisfies CaseStatus,
          OpenedAtID: compositeKey(iso(openedAt), transactionId),
          Outcome: decision.outcome,
          Amount: amount,
          Currency: currency,
          UserID: userId,
          MerchantID: merchantId,
          ...(decision.score !== null && { Score: decision.score }),
          Revision: 0,
        },
        // The race: the same case opened twice at once, by a person and by a re-scoring. There is one case.
        ConditionExpression: 'attribute_not_exists(Entry)',
      },
    };
  }
}
