import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Day } from '../../domain/devices/days';
import type { Resolution } from '../../domain/devices/rollup';
import type { Db } from '../dynamodb';
import { itemType, text } from '../items';
import { deviceTables } from './tables';

const RETENTION = 'retention';
const retentionItems = itemType(deviceTables, 'Archives', { deletedUntil: text<Day>('DeletedUntil') });

/** The day up to which expired rollups are deleted, by resolution. */
export class RetentionStore {
  constructor(private readonly db: Db) {}

  /** Returns the last day whose rollups are deleted. Strongly consistent. */
  async deletedUntil(resolution: Resolution): Promise<Day | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('Archives'),
        Key: { Archive: RETENTION, Day: resolution },
        ConsistentRead: true,
      }),
    );
    return Item && retentionItems.read(Item).deletedUntil;
  }

  /**
   * Stores the last day whose rollups are deleted. No condition: only one workflow calls it, and a repeated call
   * changes nothing.
   */
  async done(resolution: Resolution, day: Day): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.db.table('Archives'),
        Item: retentionItems.write({ deletedUntil: day }, { Archive: RETENTION, Day: resolution }),
      }),
    );
  }
}
