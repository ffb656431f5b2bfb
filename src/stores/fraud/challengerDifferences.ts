import { BatchWriteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Outcome } from '../../domain/fraud/decision';
import { compositeKey, iso } from '../../domain/ids';
import type { Page, PageRequest } from '../cursor';
import type { Db } from '../dynamodb';
import { composite, itemType, json } from '../items';
import { queryAll, queryPage, readEach } from '../query';
import { fraudTables } from './tables';

/** A transaction that the challenger would have decided differently. */
export interface Difference {
  transactionId: string;
  /** Epoch ms. */
  at: number;
  live: Outcome;
  shadow: Outcome;
  liveScore: number | null;
  shadowScore: number | null;
}

/** Numbers of decisions by live and challenger outcome: `live>shadow`. */
export type OutcomePairs = Readonly<Record<string, number>>;

/** Counts of compared decisions. */
export interface ShadowCounts {
  pairs: OutcomePairs;
  /** Decisions that were not compared because the challenger did not answer. */
  failed: number;
  /** Decisions that were not compared because too many comparisons ran at once. */
  dropped: number;
}

/** Maximum number of items in one BatchWriteItem. */
const BATCH = 25;
const KEPT_MS = 30 * 24 * 3_600_000;
const COUNTS = 'counts';

const differenceItems = itemType(fraudTables, 'ShadowDecisions', {
  timeId: composite('Entry'),
  difference: json<Omit<Difference, 'transactionId' | 'at'>>('Difference'),
});
const countItems = itemType(fraudTables, 'ShadowDecisions', { counts: json<ShadowCounts>('Counts') });

/** The decisions of challengers, by the challenger's version, in the table ShadowDecisions. */
export class ChallengerDifferenceStore {
  constructor(private readonly db: Db) {}

  /** Stores differences for 30 days. Best effort: a difference that is lost is still in the counts. */
  async keep(version: number, differences: readonly Difference[]): Promise<void> {
    const table = this.db.table('ShadowDecisions');
    for (let i = 0; i < differences.length; i += BATCH)
      await this.db.client.send(
        new BatchWriteCommand({
          RequestItems: {
            [table]: differences.slice(i, i + BATCH).map(({ at, transactionId, ...difference }) => ({
              PutRequest: {
                Item: differenceItems.write(
                  { timeId: [iso(at), transactionId], difference },
                  { Challenger: String(version), ExpiresAt: Math.floor((at + KEPT_MS) / 1000) },
                ),
              },
            })),
          },
        }),
      );
  }

  /** Stores the counts of one process. Each process replaces only its own counts, so a retry counts nothing twice. */
  async count(version: number, processId: string, counts: ShadowCounts): Promise<void> {
    const key = { Challenger: String(version), Entry: compositeKey(COUNTS, processId) };
    const Item = countItems.write({ counts }, key);
    await this.db.client.send(new PutCommand({ TableName: this.db.table('ShadowDecisions'), Item }));
  }

  /** Returns the counts of all processes. */
  async counts(version: number): Promise<ShadowCounts> {
    const pairs: Record<string, number> = {};
    const sum = { failed: 0, dropped: 0 };
    const query = {
      table: 'ShadowDecisions',
      where: 'Challenger = :version AND begins_with(Entry, :counts)',
      values: { ':version': String(version), ':counts': compositeKey(COUNTS, '') },
      consistent: true,
    };
    for await (const items of queryAll(this.db, query))
      for (const { counts: one } of readEach(this.db, items, countItems.read)) {
        sum.failed += one.failed;
        sum.dropped += one.dropped;
        for (const [pair, count] of Object.entries(one.pairs)) pairs[pair] = (pairs[pair] ?? 0) + count;
      }
    return { pairs, ...sum };
  }

  /**
   * Returns a page of the differences of the last 30 days, newest first.
   * @throws LongwatchError `invalid` for a cursor of another release or of another list.
   */
  differences(version: number, page: PageRequest): Promise<Page<Difference>> {
    const query = {
      table: 'ShadowDecisions',
      // A time begins with a digit, which sorts before `counts`.
      where: 'Challenger = :version AND Entry < :counts',
      values: { ':version': String(version), ':counts': COUNTS },
      descending: true,
    };
    return queryPage(this.db, { name: 'differences', of: { version } }, query, page, (item): Difference => {
      const { timeId, difference } = differenceItems.read(item);
      const [at = '', transactionId = ''] = timeId;
      return { transactionId, at: Date.parse(at), ...difference };
    });
  }
}
