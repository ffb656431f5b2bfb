import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { addCounts, type BinCounts } from '../../domain/fraud/drift';
import { DAY_MS } from '../../domain/fraud/profile';
import { compositeKey, iso } from '../../domain/ids';
import type { Db } from '../dynamodb';
import { itemType, json, number } from '../items';
import { queryAll, readEach } from '../query';
import { fraudTables } from './tables';

const countItems = itemType(fraudTables, 'FeatureCounts', { rows: number('Rows'), counts: json<BinCounts>('Counts') });

/** Histograms of the features and scores of one day. */
export interface DayCounts {
  /** "2026-01-31", UTC. */
  day: string;
  rows: number;
  counts: BinCounts;
}

const KEPT_DAYS = 120;
/** Maximum number of items in one BatchWriteItem. A process writes at most two days. */
const BATCH = 25;

/** Returns the UTC day of an instant, e.g. "2026-01-31". */
export const dayOf = (at: number): string => iso(at).slice(0, 10);

/** The distributions of features and scores by model, day and process, in the table FeatureCounts. */
export class DriftStore {
  constructor(private readonly db: Db) {}

  /** Stores the counts of one process. Each process replaces only its own counts, so a retry counts nothing twice. */
  async keep(version: string, processId: string, days: readonly DayCounts[]): Promise<void> {
    for (let i = 0; i < days.length; i += BATCH)
      await this.db.client.send(
        new BatchWriteCommand({
          RequestItems: {
            [this.db.table('FeatureCounts')]: days.slice(i, i + BATCH).map(({ day, rows, counts }) => ({
              PutRequest: {
                Item: countItems.write(
                  { rows, counts },
                  {
                    ModelVersion: version,
                    DayProcess: compositeKey(day, processId),
                    ExpiresAt: Math.floor((Date.parse(day) + KEPT_DAYS * DAY_MS) / 1000),
                  },
                ),
              },
            })),
          },
        }),
      );
  }

  /** Returns the counts of all processes from day `from` to day `to`, both included. */
  async read(version: string, from: string, to: string): Promise<{ rows: number; counts: BinCounts }> {
    const sum = { rows: 0, counts: {} as BinCounts };
    const query = {
      table: 'FeatureCounts',
      // `~` sorts after every process id.
      where: 'ModelVersion = :version AND DayProcess BETWEEN :from AND :to',
      values: { ':version': version, ':from': from, ':to': compositeKey(to, '~') },
      consistent: true,
    };
    for await (const items of queryAll(this.db, query))
      for (const { rows, counts } of readEach(this.db, items, countItems.read)) {
        sum.rows += rows;
        addCounts(sum.counts, counts);
      }
    return sum;
  }
}
