import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { conditionHolds } from '../conditionHolds';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';

/** The state of a user's feed. */
export interface FeedState {
  /**
   * Incremented when references leave the feed although their posts are still shown, from the authors' lists. A
   * concurrent read then starts again.
   */
  version: number;
  /** References after this key are complete. Posts up to it are read from their authors' lists. */
  completeAfter?: string;
  /** The newest post that the user has read. */
  readMarker?: string;
}

/** An update of a user's item that a later value may have made needless. */
export interface ForwardUpdate {
  userId: string;
  set: string;
  values: Record<string, unknown>;
  condition: string;
}

/** Updates a user's item. A failed condition means that the value is stored already, or a later one. */
export async function forward(db: Db, { userId, set, values, condition }: ForwardUpdate): Promise<void> {
  await conditionHolds(() =>
    db.client.send(
      new UpdateCommand({
        TableName: db.table('Users'),
        Key: { UserID: userId },
        UpdateExpression: set,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      }),
    ),
  );
}

/** The states of feeds. They lie in the items of the users. */
export class FeedStateStore {
  constructor(private readonly db: Db) {}

  /** Returns the item of a `TransactWriteItems` that makes concurrent reads of a feed start again. */
  moved(userId: string): TransactItem {
    return {
      Update: {
        TableName: this.db.table('Users'),
        Key: { UserID: userId },
        UpdateExpression: 'ADD FeedVersion :one',
        ExpressionAttributeValues: { ':one': 1 },
      },
    };
  }

  /** Records that the feed's references are complete only after this key. The key never decreases. */
  async raiseCompleteAfter(userId: string, key: string): Promise<void> {
    await forward(this.db, {
      userId,
      set: 'SET CompleteAfter = :key ADD FeedVersion :one',
      values: { ':key': key, ':one': 1 },
      // Race: two processes raise it. The higher key wins.
      condition: 'attribute_exists(UserID) AND (attribute_not_exists(CompleteAfter) OR CompleteAfter < :key)',
    });
  }

  /** Records that posts up to this key are read. The key never decreases. */
  async moveReadMarker(userId: string, key: string): Promise<void> {
    await forward(this.db, {
      userId,
      set: 'SET ReadMarker = :key',
      values: { ':key': key },
      // Race: two devices of the reader. The later key wins.
      condition: 'attribute_exists(UserID) AND (attribute_not_exists(ReadMarker) OR ReadMarker < :key)',
    });
  }
}
