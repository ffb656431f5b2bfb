import { BatchWriteCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Outcome } from '../../domain/fraud/decision';
import { compositeKey, iso } from '../../domain/ids';
import { type List, type Page, startAt, toCursor } from '../cursor';
import type { Db } from '../dynamodb';

/** A transaction that the challenger would have decided otherwise. */
export interface Difference {
  transactionId: string;
  /** Epoch ms. */
  at: number;
  live: Outcome;
  shadow: Outcome;
  liveScore: number | null;
  shadowScore: number | null;
}

/** Decisions by what was decided and what the challenger would have: `live>shadow`. */
export type OutcomePairs = Readonly<Record<string, number>>;

export interface ShadowCounts {
  pairs: OutcomePairs;
  /** Decisions that were not compared: the challenger did not answer, or there were too many at once. */
  failed: number;
  dropped: number;
}

const BATCH = 25;
const KEPT_MS = 30 * 24 * 3_600_000;
const COUNTS = 'counts';

/** What challengers would have decided, by the version of the challenger. */
export class ShadowStore {
  constructor(private readonly db: Db) {}

  /** Best effort: a difference that is not written is still counted. */
  async keep(version: number, differences: readonly Difference[]): Promise<void> {
    const table = this.db.table('ShadowDecisions');
    for (let i = 0; i < differences.length; i += BATCH)
      await this.db.client.send(
        new BatchWriteCommand({
          RequestItems: {
            [table]: differences.slice(i, i + BATCH).map(({ at, transactionId, ...difference }) => ({
              PutRequest: {
                Item: {
                  Challenger: String(version),
                  Entry: compositeKey(iso(at), transactionId),
                  Difference: JSON.stringify(difference),
                  ExpiresAt: Math.floor((at + KEPT_MS) / 1000),
                },
              },
            })),
          },
        }),
      );
  }

  /** What one process has counted so far; each replaces its own, so that a retry counts nothing twice. */
  async count(version: number, processId: string, counts: ShadowCounts): Promise<void> {
    const Item = {
      Challenger: String(version),
      Entry: compositeKey(COUNTS, processId),
      Counts: JSON.stringify(counts),
    };
    await this.db.client.send(new PutCommand({ TableName: this.db.table('ShadowDecisions'), Item }));
  }

  /** Of all processes together. */
  async counts(version: number): Promise<ShadowCounts> {
    const pairs: Record<string, number> = {};
    const sum = { failed: 0, dropped: 0 };
    for (let from: Record<string, unknown> | undefined, first = true; first || from; first = false) {
      const { Items = [], LastEvaluatedKey } = await this.db.client.send(
        new QueryCommand({
          TableName: this.db.table('ShadowDecisions'),
          KeyConditionExpression: 'Challenger = :version AND begins_with(Entry, :counts)',
          ExpressionAttributeValues: { ':version': String(version), ':counts': compositeKey(COUNTS, '') },
          ConsistentRead: true,
          ...(from && { ExclusiveStartKey: from }),
        }),
      );
      from = LastEvaluatedKey;
      for (const { Counts } of Items) {
        const one = JSON.parse(Counts as string) as ShadowCounts;
        sum.failed += one.failed;
        sum.dropped += one.dropped;
        for (const [pair, count] of Object.entries(one.pairs)) pairs[pair] = (pairs[pair] ?? 0) + count;
      }
    }
    return { pairs, ...sum };
  }

  /** Newest first; kept for 30 days. */
  async differences(version: number, { limit, cursor }: { limit: number; cursor?: string }): Promise<Page<Difference>> {
    const list: List = { name: 'differences', of: { version } };
    const { Items = [], LastEvaluatedKey } = await this.db.client.send(
      new QueryCommand({
        TableName: this.db.table('ShadowDecisions'),
        // Times begin with a digit, which sorts before the counts.
        KeyConditionExpression: 'Challenger = :version AND Entry < :counts',
        ExpressionAttributeValues: { ':version': String(version), ':counts': COUNTS },
        ScanIndexForward: false,
        Limit: limit,
        ...startAt(list, cursor, ['Challenger', 'Entry']),
      }),
    );
    const items = Items.map((item): Difference => {
      const [at = '', transactionId = ''] = (item['Entry'] as string).split('#');
      return {
        transactionId,
        at: Date.parse(at),
        ...(JSON.parse(item['Difference'] as string) as Omit<Difference, 'transactionId' | 'at'>),
      };
    });
    return { items, ...toCursor(list, LastEvaluatedKey) };
  }
}
