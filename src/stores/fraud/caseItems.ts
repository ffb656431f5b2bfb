import { defined } from '../../domain/defined';
import type { Outcome } from '../../domain/fraud/decision';
import type {
  CaseStatus,
  CustomerAnswer,
  OpeningFacts,
  Person,
  TimelineEntry,
  TimelineKind,
} from '../../domain/fraud/investigation';
import type { CaseHeader, CaseWrite, ClosingWrite, CaseSnapshot } from '../../domain/fraud/investigationRecord';
import { compositeKey, iso } from '../../domain/ids';
import type { Db } from '../dynamodb';
import { composite, type Item, itemType, json, number, optional, text } from '../items';
import type { TransactItem } from '../platform/outbox';
import { fraudTables } from './tables';

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

/** The attributes that every write of a case replaces. */
const header = {
  status: text<CaseStatus>('CaseStatus'),
  outcome: text<Outcome>('Outcome'),
  score: optional(number('Score')),
  hold: optional(text<CaseHeader['hold']>('PaymentHold')),
  assignee: optional(text('Assignee')),
  dueAt: optional(number('DueAt')),
  customerAnswer: optional(text<CustomerAnswer>('CustomerAnswer')),
  revision: number('Revision'),
};
const headerItems = itemType(fraudTables, 'Investigations', header);
const caseItems = itemType(fraudTables, 'Investigations', {
  ...header,
  transactionId: text('TransactionID'),
  openedAtId: composite('OpenedAtID'),
  amount: number('Amount'),
  currency: text('Currency'),
  userId: text('UserID'),
  merchantId: text('MerchantID'),
  closedAt: optional(number('ClosedAt')),
});
const timelineItems = itemType(fraudTables, 'Investigations', {
  seq: number('Seq'),
  at: number('At'),
  kind: text<TimelineKind>('Kind'),
  text: text('Text'),
  by: optional(text('By')),
  proof: optional(text<Person['proof']>('Proof')),
  role: optional(text('Role')),
});
/** The state from which a case's workflow can restart. */
export const keptItems = itemType(fraudTables, 'Investigations', {
  revision: number('Revision'),
  kept: json<CaseSnapshot>('Kept'),
});

const eventKey = (seq: number): string => compositeKey('event', String(seq).padStart(6, '0'));

/** Returns the write that opens a case. */
export function openingItem(db: Db, { transaction, decision, openedAt }: OpeningFacts): TransactItem {
  const { transactionId, userId, merchantId, amount, currency } = transaction;
  return {
    Put: {
      TableName: db.table('Investigations'),
      Item: caseItems.write(
        {
          transactionId,
          status: 'scoring',
          openedAtId: [iso(openedAt), transactionId],
          outcome: decision.outcome,
          amount,
          currency,
          userId,
          merchantId,
          score: decision.score ?? undefined,
          revision: 0,
        },
        { Entry: CASE },
      ),
      // Race: an investigator and a rescoring open the same case. Only one write succeeds.
      ConditionExpression: 'attribute_not_exists(Entry)',
    },
  };
}

/** Returns the write of a case's next header. Its condition is the revision before. */
export function headerItem(db: Db, write: CaseWrite, closing: Item = {}): TransactItem {
  const { score, ...others } = write.header;
  const values = headerItems.write({ ...others, score: score ?? undefined, revision: write.revision }, closing);
  const present = Object.keys(values);
  const absent = headerItems.attributes.filter((name) => values[name] === undefined);
  return {
    Update: {
      TableName: db.table('Investigations'),
      Key: { TransactionID: write.transactionId, Entry: CASE },
      UpdateExpression:
        `SET ${present.map((name) => `#${name} = :${name}`).join(', ')}` +
        (absent.length > 0 ? ` REMOVE ${absent.map((name) => `#${name}`).join(', ')}` : ''),
      // Race: an attempt that timed out and its retry both write. The second one finds a newer revision.
      ConditionExpression: '#Revision = :from',
      ExpressionAttributeNames: Object.fromEntries([...present, ...absent].map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ':from': write.fromRevision,
        ...Object.fromEntries(present.map((name) => [`:${name}`, values[name]])),
      },
    },
  };
}

/** Returns the writes of the new timeline entries. They are only valid in one transaction with the header. */
export function entryItems(db: Db, { transactionId, entries }: CaseWrite): TransactItem[] {
  return entries.map(({ by, ...entry }) => ({
    Put: {
      TableName: db.table('Investigations'),
      Item: timelineItems.write(
        { ...entry, by: by?.name, proof: by?.proof, role: by?.role },
        { TransactionID: transactionId, Entry: eventKey(entry.seq) },
      ),
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
      Item: keptItems.write({ revision, kept }, { TransactionID: transactionId, Entry: KEPT }),
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

/** Converts an item to a case. */
export function caseRecord(item: Item): CaseRecord {
  const { openedAtId, score = null, hold = 'none', ...record } = caseItems.read(item);
  return { ...record, score, hold, openedAt: Date.parse(openedAtId[0] ?? '') };
}

/** Converts an item to a timeline entry. */
export function timelineEntry(item: Item): TimelineEntry {
  const { by: name, proof, role, ...entry } = timelineItems.read(item);
  return { ...entry, ...(name !== undefined && proof && { by: { name, proof, ...defined({ role }) } }) };
}
