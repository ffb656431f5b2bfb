import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { profileItems } from './decisions';

const holdItems = profileItems.pick('heldUntil', 'heldBecauseOf');

/** Returns the write of the hold on a user, until `until` (epoch ms). */
export function userHoldItem(
  db: Db,
  { userId, transactionId }: { userId: string; transactionId: string },
  until: number,
): TransactItem {
  return {
    Update: {
      TableName: db.table('UserProfiles'),
      Key: { UserID: userId },
      // The new version makes a concurrent decision that read the profile without the hold lose its write and decide
      // again.
      UpdateExpression: 'SET HoldUntil = :until, HoldTransactionID = :id ADD Version :one',
      // Race: two cases of one user close at the same time. The longer hold remains.
      ConditionExpression: 'attribute_not_exists(HoldUntil) OR HoldUntil < :until',
      ExpressionAttributeValues: { ':until': until, ':id': transactionId, ':one': 1 },
    },
  };
}

/** Holds on users after a confirmed fraud. They lie in the items of the users' profiles. */
export class UserHoldStore {
  constructor(private readonly db: Db) {}

  /** Returns the hold on a user after a confirmed fraud, or undefined. */
  async find(userId: string): Promise<{ until: number; transactionId: string } | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('UserProfiles'),
        Key: { UserID: userId },
        ProjectionExpression: 'HoldUntil, HoldTransactionID',
        ConsistentRead: true,
      }),
    );
    const { heldUntil: until, heldBecauseOf: transactionId } = Item ? holdItems.read(Item) : {};
    return until === undefined || transactionId === undefined ? undefined : { until, transactionId };
  }

  /** Ends the hold on a user. Succeeds if there is none. */
  async release(userId: string): Promise<void> {
    await this.db.client.send(
      new UpdateCommand({
        TableName: this.db.table('UserProfiles'),
        Key: { UserID: userId },
        // The new version makes a concurrent decision that read the hold lose its write and decide again.
        UpdateExpression: 'REMOVE HoldUntil, HoldTransactionID ADD Version :one',
        ExpressionAttributeValues: { ':one': 1 },
      }),
    );
  }
}
