import { defined } from '../../domain/defined';
import type { Outcome } from '../../domain/fraud/decision';
import type { CaseStatus, OpeningFacts, Person, TimelineEntry, TimelineKind } from '../../domain/fraud/investigation';
import type { CaseHeader, CaseWrite, ClosingWrite, CaseSnapshot } from '../../domain/fraud/investigationRecord';
import { compositeKey, iso } from '../../domain/ids';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';

/** A case as it is stored. */
export interface CaseRecord extends CaseHeader {
  transactionId: string;
  userId: string;
  merchantId: string;
  amount: number;
  currency: string;
  openedAt: number;
  closedAt?: number;
  revision: number;
}

/** The sort key of a case. */
export const CASE = 'case';
/** The sort key of the state from which a case's workflow can restart. */
export const KEPT = 'state';
const eventKey = (seq: number): string => compositeKey('event', String(seq).padStart(6, '0'));

/** Returns the write that opens a case. */
export function openingItem(db: Db, { transaction, decision, openedAt }: OpeningFacts): TransactItem {
  const { transactionId, userId, merchantId, amount, currency } = transaction;
  return {
    Put: {
      TableName: db.table('Investigations'),
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
      // Race: an investigator and a rescoring open the same case. Only one write succeeds.
      ConditionExpression: 'attribute_not_exists(Entry)',
    },
  };
}

/** Returns the write of a case's next header. Its condition is the revision before. */
export function headerItem(db: Db, write: CaseWrite, closing: Record<string, unknown> = {}): TransactItem {
  const { header } = write;
  const values: Record<string, unknown> = {
    CaseStatus: header.status,
    Outcome: header.outcome,
    Score: header.score ?? undefined,
    PaymentHold: header.hold,
    Assignee: header.assignee,
    DueAt: header.dueAt,
    CustomerAnswer: header.customerAnswer,
    Revision: write.revision,
    ...closing,
  };
  const present = Object.keys(values).filter((name) => values[name] !== undefined);
  const absent = Object.keys(values).filter((name) => values[name] === undefined);
  return {
    Update: {
      TableName: db.table('Investigations'),
      Key: { TransactionID: write.transactionId, Entry: CASE },
      UpdateExpression:
        `SET ${present.map((name) => `#${name} = :${name}`).join(', ')}` +
        (absent.length > 0 ? ` REMOVE ${absent.map((name) => `#${name}`).join(', ')}` : ''),
      // Race: an attempt that timed out and its retry both write. The second one finds a newer revision.
      ConditionExpression: '#Revision = :from',
      ExpressionAttributeNames: Object.fromEntries(Object.keys(values).map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ':from': write.fromRevision,
        ...Object.fromEntries(present.map((name) => [`:${name}`, values[name]])),
      },
    },
  };
}

/** Returns the writes of the new timeline entries. They are only valid in one transaction with the header. */
export function entryItems(db: Db, { transactionId, entries }: CaseWrite): TransactItem[] {
  return entries.map(({ seq, at, kind, text, by }) => ({
    Put: {
      TableName: db.table('Investigations'),
      Item: {
        TransactionID: transactionId,
        Entry: eventKey(seq),
        Seq: seq,
        At: at,
        Kind: kind,
        Text: text,
        ...(by && { By: by.name, Proof: by.proof, Role: by.role }),
      },
    },
  }));
}

/**
 * Returns the write of the state from which a case's workflow can restart. Every write of the header replaces it, and
 * the header's condition protects it. It has no key of an index, so that no index has a copy.
 */
export function keptItem(db: Db, transactionId: string, revision: number, kept: CaseSnapshot): TransactItem {
  return {
    Put: {
      TableName: db.table('Investigations'),
      Item: { TransactionID: transactionId, Entry: KEPT, Revision: revision, Kept: JSON.stringify(kept) },
    },
  };
}

/** Returns the write of the hold on a payment. */
export function paymentHold(db: Db, transactionId: string, hold: 'held' | 'released' | 'final'): TransactItem {
  return {
    Update: {
      TableName: db.table('Decisions'),
      Key: { TransactionID: transactionId },
      UpdateExpression: 'SET #hold = :hold',
      // The condition keeps this update from creating an incomplete decision. Holds are written in the order of the
      // case's revisions.
      ConditionExpression: 'attribute_exists(TransactionID)',
      ExpressionAttributeNames: { '#hold': 'Hold' },
      ExpressionAttributeValues: { ':hold': hold },
    },
  };
}

/** Returns the write of a transaction's label. */
export function labelItem(db: Db, { userId, timestamp, transactionId, label, closedAt }: ClosingWrite): TransactItem {
  return {
    Update: {
      TableName: db.table('TransactionHistory'),
      Key: { UserID: userId, TimeTransactionID: compositeKey(iso(timestamp), transactionId) },
      UpdateExpression: 'SET Label = :label, LabelledAt = :at',
      // The condition keeps this update from creating a history row.
      ConditionExpression: 'attribute_exists(UserID)',
      ExpressionAttributeValues: { ':label': label, ':at': closedAt },
    },
  };
}

/** Returns the write of the hold on a user, until `until` (epoch ms). */
export function userHoldItem(db: Db, { userId, transactionId }: ClosingWrite, until: number): TransactItem {
  return {
    Update: {
      TableName: db.table('UserProfiles'),
      Key: { UserID: userId },
      // The new version makes a concurrent decision that read the profile without the hold lose its write and decide
      // again.
      UpdateExpression: 'SET HoldUntil = :until, HoldTransactionID = :id ADD Version :one',
      // Race: two cases of one user close at the same time. The longer hold remains.
      ConditionExpression: 'attribute_not_exists(HoldUntil) OR HoldUntil < :until',
      ExpressionAttributeValues: { ':until': until, ':id': transactionId, ':one': 1 },
    },
  };
}

/** Converts an item to a case. */
export function caseRecord(item: Record<string, unknown>): CaseRecord {
  const optional = <K extends string>(name: string, as: K) =>
    (item[name] === undefined ? {} : { [as]: item[name] }) as Partial<Record<K, never>>;
  return {
    transactionId: item['TransactionID'] as string,
    status: item['CaseStatus'] as CaseStatus,
    outcome: item['Outcome'] as Outcome,
    score: (item['Score'] as number | undefined) ?? null,
    hold: (item['PaymentHold'] as CaseHeader['hold'] | undefined) ?? 'none',
    userId: item['UserID'] as string,
    merchantId: item['MerchantID'] as string,
    amount: item['Amount'] as number,
    currency: item['Currency'] as string,
    openedAt: Date.parse((item['OpenedAtID'] as string).split('#')[0] ?? ''),
    revision: item['Revision'] as number,
    ...optional('Assignee', 'assignee'),
    ...optional('DueAt', 'dueAt'),
    ...optional('CustomerAnswer', 'customerAnswer'),
    ...optional('ClosedAt', 'closedAt'),
  };
}

/** Converts an item to a timeline entry. */
export function timelineEntry(item: Record<string, unknown>): TimelineEntry {
  const role = item['Role'] as string | undefined;
  return {
    seq: item['Seq'] as number,
    at: item['At'] as number,
    kind: item['Kind'] as TimelineKind,
    text: item['Text'] as string,
    ...(item['By'] !== undefined && {
      by: { name: item['By'] as string, proof: item['Proof'] as Person['proof'], ...defined({ role }) },
    }),
  };
}
