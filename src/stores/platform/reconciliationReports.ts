import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey } from '../../domain/ids';
import {
  type ReconciliationReport,
  type ReconciliationMode,
  reconciliationModes,
} from '../../domain/platform/reconciliation';
import type { Db } from '../dynamodb';
import { itemType, json } from '../items';
import { platformTables } from './tables';

const reportItems = itemType(platformTables, 'Checkpoints', { report: json<ReconciliationReport>('LastLook') });

/** The report of the last reconciliation of each mode: one item per mode in the `Checkpoints` table. */
export class ReconciliationReportStore {
  constructor(private readonly db: Db) {}

  /**
   * Returns the last report of a mode. Eventually consistent: a reconciliation that continues from an older report only
   * checks some workflows again.
   */
  async read(mode: ReconciliationMode): Promise<ReconciliationReport | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Checkpoints'), Key: key(mode) }),
    );
    return Item && reportItems.read(Item).report;
  }

  /** Returns the last report of each mode; a mode that has not run yet is absent. */
  async readAll(): Promise<Partial<Record<ReconciliationMode, ReconciliationReport>>> {
    const found = await Promise.all(reconciliationModes.map(async (mode) => [mode, await this.read(mode)] as const));
    return Object.fromEntries(found.filter(([, report]) => report !== undefined));
  }

  /**
   * Stores the report. No condition: two reconciliations at the same time do the same work, so the last write may win.
   */
  async write(mode: ReconciliationMode, report: ReconciliationReport): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.db.table('Checkpoints'),
        Item: reportItems.write({ report }, key(mode)),
      }),
    );
  }
}

const key = (mode: ReconciliationMode) => ({ SourceShard: compositeKey('reconciler', mode) });
