import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Day } from '../../domain/devices/days';
import type { Resolution } from '../../domain/devices/rollup';
import type { Db } from '../dynamodb';

const RETENTION = 'retention';

/** Up to which day rollups were deleted by age. */
export class RetentionStore {
  constructor(private readonly db: Db) {}

  /** The last day that is done. */
  async deletedUntil(resolution: Resolution): Promise<Day | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('Archives'),
        Key: { Archive: RETENTION, Day: resolution },
        ConsistentRead: true,
      }),
    );
    return Item?.['DeletedUntil'] as Day | undefined;
  }

  /** No condition: what is done twice is done once, and only one workflow does it. */
  async done(resolution: Resolution, day: Day): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.db.table('Archives'),
        Item: { Archive: RETENTION, Day: resolution, DeletedUntil: day },
      }),
    );
  }
}
