import type { Decision, Outcome } from '../../domain/fraud/decision';
import type { Label } from '../../domain/fraud/label';
import type { HistoryRecord } from '../../domain/fraud/merchantProfile';
import type { Transaction } from '../../domain/fraud/transaction';
import { flag, type Item, itemType, json, number, optional, text } from '../items';
import { fraudTables } from './tables';

/** The state of the hold on a payment: under investigation, released, or final. */
export type PaymentHold = 'held' | 'released' | 'final';

/** The result of rescoring a decision of the degraded mode. */
export interface Rescored {
  score: number;
  outcome: Outcome;
  at: string;
}

/** The attributes that a decision and its row of the history share. */
const shared = {
  transactionId: text('TransactionID'),
  userId: text('UserID'),
  merchantId: text('MerchantID'),
  amount: number('Amount'),
  currency: text('Currency'),
  timestamp: number('Timestamp'),
  outcome: text<Outcome>('Outcome'),
};

/** A decision. */
export const decisionItems = itemType(fraudTables, 'Decisions', {
  ...shared,
  contentHash: text('ContentHash'),
  body: text('Answer'),
  transaction: json<Transaction>('Transaction'),
  features: text('Features'),
  mode: text<Decision['mode']>('Mode'),
  historyKey: text('HistoryKey'),
  hold: optional(text<PaymentHold>('Hold')),
  rescored: optional(json<Rescored>('Rescore')),
});

/** A transaction of a user's history. */
export const historyItems = itemType(fraudTables, 'TransactionHistory', {
  ...shared,
  historyKey: text('TimeTransactionID'),
  score: optional(number('Score')),
  // The merchant's counters use it to tell whether the amount alone would explain a fraud.
  unusualAmount: optional(flag('UnusualAmount')),
  label: optional(text<Label>('Label')),
});

/** The key of a decision's row of the history. */
export const historyKeys = decisionItems.pick('userId', 'historyKey');
/** A row of the history with its label. */
export const labelItems = historyItems.pick('transactionId', 'label');

const historyRecords = historyItems.pick('merchantId', 'timestamp', 'label', 'unusualAmount');
/**
 * Converts an image of a row of the history, as the table's stream has it.
 * @throws MalformedItem
 */
export const historyRecord = (image: Item): HistoryRecord & { merchantId: string } => historyRecords.read(image);
