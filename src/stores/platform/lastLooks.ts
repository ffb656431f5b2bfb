import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey } from '../../domain/ids';
import { type LastLook, type LookMode, lookModes } from '../../domain/platform/reconciliation';
import type { Db } from '../dynamodb';
import { itemType, json } from '../items';
import { platformTables } from './tables';

const lookItems = itemType(platformTables, 'Checkpoints', { look: json<LastLook>('LastLook') });

/** The report of the last reconciliation of each mode: one item per mode in the `Checkpoints` table. */
export class LastLookStore {
  constructor(private readonly db: Db) {}

  /**
   * Returns the last report of a mode. Eventually consistent: a reconciliation that continues from an older report only
   * checks some workflows again.
   */
  async read(mode: LookMode): Promise<LastLook | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Checkpoints'), Key: key(mode) }),
    );
    return Item && lookItems.read(Item).look;
  }

  /** Returns the last report of each mode; a mode that has not run yet is absent. */
  async readAll(): Promise<Partial<Record<LookMode, LastLook>>> {
    const found = await Promise.all(lookModes.map(async (mode) => [mode, await this.read(mode)] as const));
    return Object.fromEntries(found.filter(([, look]) => look !== undefined));
  }

  /**
   * Stores the report. No condition: two reconciliations at the same time do the same work, so the last write may win.
   */
  async write(mode: LookMode, look: LastLook): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.db.table('Checkpoints'),
        Item: lookItems.write({ look }, key(mode)),
      }),
    );
  }
}

const key = (mode: LookMode) => ({ SourceShard: compositeKey('reconciler', mode) });
