import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import type { CaseStatus, OpeningFacts, TimelineEntry } from '../../domain/fraud/investigation';
import type { CaseWrite, ClosingWrite, KeptCase } from '../../domain/fraud/investigationRecord';
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
  labelItem,
  openingItem,
  paymentHold,
  timelineEntry,
  userHoldItem,
} from './caseItems';

export type { CaseRecord } from './caseItems';

/** What one write of a case consists of. */
type CaseParts = Parts<'header' | 'timeline' | 'transaction' | 'userHold'>;

/** Cases, their timelines, and what the API attests about who decided. */
export class InvestigationStore {
  constructor(private readonly db: Db) {}

  /** The part of a `TransactWriteItems` that opens a case. */
  openingItem(opening: OpeningFacts): TransactItem {
    return openingItem(this.db, opening);
  }

  /**
   * Moves a case on. Writing the same twice changes nothing.
   * @throws LongwatchError `contention` (try again), `superseded` (another run wrote to the case: the workflow was
   *   reset), `conflict`
   *   (the case was never opened).
   */
  async record(write: CaseWrite): Promise<void> {
    await this.commit(write, {
      header: headerItem(this.db, write),
      timeline: this.timelineItems(write),
      ...(write.placeHold && { transaction: paymentHold(this.db, write.transactionId, 'held') }),
    });
  }

  /**
   * Ends a case: header, timeline, label, the hold on the payment and, for fraud, the hold on the user, all or
   * nothing. The merchant's counters follow from the label by the stream of TransactionHistory.
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

  /** The case alone. Strongly consistent. */
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

  /** What the row keeps to start a lost workflow again, and the revision that it is of. Strongly consistent. */
  async kept(transactionId: string): Promise<{ revision: number; kept: KeptCase } | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.table,
        Key: { TransactionID: transactionId, Entry: KEPT },
        ConsistentRead: true,
      }),
    );
    return Item && { revision: Item['Revision'] as number, kept: JSON.parse(Item['Kept'] as string) as KeptCase };
  }

  /** The new entries, and the state from which a lost workflow can start again; none of them has a condition. */
  private timelineItems(write: CaseWrite): TransactItem[] {
    const { transactionId, revision, kept } = write;
    return [...entryItems(this.db, write), ...(kept ? [keptItem(this.db, transactionId, revision, kept)] : [])];
  }

  /** A page of a case's timeline, oldest first. Strongly consistent. */
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

  /** Cases of one status, oldest first. Eventually consistent, as every index. */
  byStatus(status: CaseStatus, page: PageRequest = {}): Promise<Page<CaseRecord>> {
    const query = {
      table: 'Investigations',
      index: 'ByStatus',
      where: 'CaseStatus = :status',
      values: { ':status': status },
    };
    return queryPage(this.db, { name: 'cases by status', of: { status } }, query, page, caseRecord);
  }

  /** Cases that somebody has, oldest first; with a status, a page may hold fewer than its limit. */
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
      throw new LongwatchError('notFound', `The transaction of case ${write.transactionId} is gone`, { cause });
    // Another case holds the user for longer already, so this write leaves that hold as it is.
    if (lost.has('userHold')) return this.commit(write, { ...parts, userHold: undefined });
    throw new LongwatchError('contention', `Case ${write.transactionId} is busy; try again`, { cause });
  }

  /**
   * The row is not at the revision that a write starts from. Either an attempt before this one was written, or another
   * run
   * moved the case on. The state that each write keeps tells them apart. Releases before the one that keeps states left
   * none;
   * a row at the write's own revision then counts as written.
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
