import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey, iso } from '../domain/ids';
import type { Db } from './dynamodb';
import type { TransactItem } from './ledger';

export interface Checkpoint {
  /** Last position whose effects are written. */
  position?: string;
  /** Everything that the stream took before this instant (epoch ms) is read. Absent before the first record. */
  caughtUpAt?: number;
  /** The shard is closed and fully read. */
  ended: boolean;
}

/** How far stream consumers have come, written in one transaction with the effects. */
export class CheckpointStore {
  constructor(private readonly db: Db) {}

  async read(source: string, shardId: string): Promise<Checkpoint> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Checkpoints'), Key: this.key(source, shardId), ConsistentRead: true }),
    );
    const position = Item?.['Position'] as string | undefined;
    const caughtUpAt = Item?.['CaughtUpAt'] as string | undefined;
    return {
      ...(position !== undefined && { position }),
      ...(caughtUpAt !== undefined && { caughtUpAt: Date.parse(caughtUpAt) }),
      ended: Item?.['Ended'] === true,
    };
  }

  /** The part of a `TransactWriteItems` that moves a checkpoint from where this reader found it. */
  advance(source: string, shardId: string, from: string | undefined, to: Checkpoint): TransactItem {
    return {
      Put: {
        TableName: this.db.table('Checkpoints'),
        Item: {
          ...this.key(source, shardId),
          ...(to.position !== undefined && { Position: to.position }),
          ...(to.caughtUpAt !== undefined && { CaughtUpAt: iso(to.caughtUpAt) }),
          Ended: to.ended,
        },
        // The race: a reader that was believed dead writes late. It finds the checkpoint moved and nothing is applied.
        ConditionExpression: from === undefined ? 'attribute_not_exists(#position)' : '#position = :from',
        ExpressionAttributeNames: { '#position': 'Position' },
        ...(from !== undefined && { ExpressionAttributeValues: { ':from': from } }),
      },
    };
  }

  private key(source: string, shardId: string): { SourceShard: string } {
    return { SourceShard: compositeKey(source, shardId) };
  }
}
