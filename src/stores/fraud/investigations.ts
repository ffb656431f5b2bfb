import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import type { CaseStatus, OpeningFacts, TimelineEntry } from '../../domain/fraud/investigation';
import type { CaseWrite, ClosingWrite, CaseSnapshot } from '../../domain/fraud/investigationRecord';
import { compositeKey } from '../../domain/ids';
import type { Page, PageRequest } from '../cursor';
import { queryPage } from '../query';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { type Parts, transact } from '../transact';
import {
  CASE,
  caseRecord,
  type CaseRecord,
  entryItems,
  headerItem,
  KEPT,
  keptItem,
  keptItems,
  labelItem,
  openingItem,
  paymentHold,
  timelineEntry,
} from './caseItems';
import { userHoldItem } from './userHolds';

export type { CaseRecord } from './caseItems';

/** The parts of one write of a case. */
type CaseParts = Parts<'header' | 'timeline' | 'transaction' | 'userHold'>;

/** Cases and their timelines. */
export class InvestigationStore {
  constructor(private readonly db: Db) {}

  /** Returns the item of a `TransactWriteItems` that opens a case. */
  openingItem(opening: OpeningFacts): TransactItem {
    return openingItem(this.db, opening);
  }

  /**
   * Writes the next revision of a case. A repeated call with the same write changes nothing.
   * @throws LongwatchError `contention` (try again), `superseded` (another run of the workflow has written to the case
   *   after a reset), `conflict` (the case was never opened), `notFound` (its transaction does not exist).
   */
  async record(write: CaseWrite): Promise<void> {
    await this.commit(write, {
      header: headerItem(this.db, write),
      timeline: this.timelineItems(write),
      ...(write.placeHold && { transaction: paymentHold(this.db, write.transactionId, 'held') }),
    });
  }

  /**
   * Closes a case: writes header, timeline, label, the hold on the payment and, for fraud, the hold on the user, all or
   * nothing. The reader of TransactionHistory's stream updates the merchant's counters from the label.
   * @throws LongwatchError as {@link record}.
   */
  async close(write: ClosingWrite): Promise<void> {
    const { transactionId, header, holdUserUntil } = write;
    await this.commit(write, {
      header: headerItem(this.db, write, { ClosedAt: write.closedAt, Label: write.label }),
      timeline: this.timelineItems(write),
      transaction: [
        labelItem(this.db, write),
        ...(header.hold === 'none' ? [] : [paymentHold(this.db, transactionId, header.hold)]),
      ],
      ...(holdUserUntil !== undefined && { userHold: userHoldItem(this.db, write, holdUserUntil) }),
    });
  }

  /** Returns a case without its timeline. Strongly consistent. */
  async find(transactionId: string): Promise<CaseRecord | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.table,
        Key: { TransactionID: transactionId, Entry: CASE },
        ConsistentRead: true,
      }),
    );
    return Item && caseRecord(Item);
  }

  /** Returns the state from which a lost workflow can restart, and its revision. Strongly consistent. */
  async kept(transactionId: string): Promise<{ revision: number; kept: CaseSnapshot } | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.table,
        Key: { TransactionID: transactionId, Entry: KEPT },
        ConsistentRead: true,
      }),
    );
    return Item && keptItems.read(Item);
  }

  /**
   * Returns the new entries, and the state from which a lost workflow can restart. None of these items has a condition.
   */
  private timelineItems(write: CaseWrite): TransactItem[] {
    const { transactionId, revision, kept } = write;
    return [...entryItems(this.db, write), ...(kept ? [keptItem(this.db, transactionId, revision, kept)] : [])];
  }

  /** Returns a page of a case's timeline, oldest first, 200 entries by default. Strongly consistent. */
  timeline(transactionId: string, page: PageRequest = {}): Promise<Page<TimelineEntry>> {
    const query = {
      table: 'Investigations',
      where: 'TransactionID = :id AND begins_with(Entry, :event)',
      values: { ':id': transactionId, ':event': compositeKey('event', '') },
      consistent: true,
    };
    return queryPage(
      this.db,
      { name: 'timeline', of: { transactionId } },
      query,
      { ...page, limit: page.limit ?? 200 },
      timelineEntry,
    );
  }

  /** Returns a page of the cases of one status, oldest first. Eventually consistent, as every index. */
  byStatus(status: CaseStatus, page: PageRequest = {}): Promise<Page<CaseRecord>> {
    const query = {
      table: 'Investigations',
      index: 'ByStatus',
      where: 'CaseStatus = :status',
      values: { ':status': status },
    };
    return queryPage(this.db, { name: 'cases by status', of: { status } }, query, page, caseRecord);
  }

  /**
   * Returns a page of an investigator's cases, oldest first. With a status, a page may have fewer cases than its limit.
   * Eventually consistent.
   */
  byAssignee(
    assignee: string,
    { status, ...page }: PageRequest & { status?: CaseStatus } = {},
  ): Promise<Page<CaseRecord>> {
    const query = {
      table: 'Investigations',
      index: 'ByAssignee',
      where: 'Assignee = :assignee',
      ...(status !== undefined && { filter: 'CaseStatus = :status' }),
      values: { ':assignee': assignee, ...(status !== undefined && { ':status': status }) },
    };
    return queryPage(this.db, { name: 'cases by assignee', of: { assignee, status } }, query, page, caseRecord);
  }

  private get table(): string {
    return this.db.table('Investigations');
  }

  private async commit(write: CaseWrite, parts: CaseParts): Promise<void> {
    const cancelled = await transact(this.db, parts);
    if (!cancelled) return;
    const { lost, cause } = cancelled;
    if (lost.has('header')) return this.mustBeWritten(write, cause);
    if (lost.has('transaction'))
      throw new LongwatchError('notFound', `The transaction of case ${write.transactionId} does not exist`, { cause });
    // Another case already holds the user for longer, so this write leaves that hold unchanged.
    if (lost.has('userHold')) return this.commit(write, { ...parts, userHold: undefined });
    throw new LongwatchError('contention', `Case ${write.transactionId} is busy; try again`, { cause });
  }

  /**
   * Called when the case is not at the revision that a write starts from. Either an earlier attempt of the same write
   * succeeded, or another run of the workflow wrote to the case. The stored state of each write distinguishes the two.
   * Older releases stored no state; then a case at the write's own revision counts as written.
   */
  private async mustBeWritten(
    { transactionId, fromRevision, revision, kept }: CaseWrite,
    cause: unknown,
  ): Promise<void> {
    const found = await this.find(transactionId);
    if (found && found.revision > fromRevision) {
      const stored = found.revision === revision && kept ? await this.kept(transactionId) : undefined;
      const isOther =
        stored &&
        (stored.revision > revision ||
          (stored.revision === revision && JSON.stringify(stored.kept) !== JSON.stringify(kept)));
      if (found.revision === revision && !isOther) return;
      throw new LongwatchError(
        'superseded',
        `Another run of the workflow has moved case ${transactionId} to revision ${found.revision}; this run ` +
          `would write revision ${revision}`,
        { cause },
      );
    }
    throw new LongwatchError(
      'conflict',
      `Case ${transactionId} is at revision ${found?.revision ?? 'none'}, not ${fromRevision}`,
      { cause },
    );
  }
}
