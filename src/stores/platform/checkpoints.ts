import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { compositeKey } from '../../domain/ids';
import { conditionHolds } from '../conditionHolds';
import type { Db } from '../dynamodb';
import { flag, instant, type Item, itemType, number, optional, orElse, text } from '../items';
import type { TransactItem } from './outbox';
import { platformTables } from './tables';

/** How far a stream consumer has read one shard. */
export interface Checkpoint {
  /** Last position whose effects are written. */
  position?: string;
  /**
   * The consumer has read every record that arrived in the stream before this instant (epoch ms). Absent before the
   * first record.
   */
  caughtUpAt?: number;
  /** The shard is closed and fully read. */
  ended: boolean;
}

/**
 * A shard's checkpoint at the moment when a reader took the lease. Every write of this reader has the generation in its
 * condition.
 */
export interface Lease extends Checkpoint {
  /**
   * Incremented each time a reader takes the lease: 1, 2, 3, … Only the reader with the newest generation may write. 0
   * if the shard has ended.
   */
  generation: number;
}

const leaseItems = itemType(platformTables, 'Checkpoints', {
  position: optional(text('Position')),
  caughtUpAt: optional(instant('CaughtUpAt')),
  ended: orElse(flag('Ended'), false),
  generation: number('Generation'),
});
const checkpointItems = leaseItems.pick('position', 'caughtUpAt', 'ended');

/**
 * The `Checkpoints` table: one item per shard and consumer. A checkpoint is written in one transaction with the effects
 * of the records before it.
 */
export class CheckpointStore {
  constructor(private readonly db: Db) {}

  /** Returns the checkpoint without taking the lease. One strongly consistent read. */
  async read(source: string, shardId: string): Promise<Checkpoint> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Checkpoints'), Key: this.key(source, shardId), ConsistentRead: true }),
    );
    return checkpointItems.read(Item ?? {});
  }

  /**
   * Takes the lease on a shard: increments the generation, so that no earlier reader of the shard can write any more.
   * @returns the checkpoint to go on from. The checkpoint of an ended shard is returned without a lease: it never
   *   changes again.
   */
  async lease(source: string, shardId: string): Promise<Lease> {
    let stored: Item | undefined;
    const isLeased = await conditionHolds(async () => {
      ({ Attributes: stored } = await this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('Checkpoints'),
          Key: this.key(source, shardId),
          // ADD starts from 0 if a release without generations wrote the checkpoint. If the SDK sends the increment
          // twice, the response still has the newest generation.
          UpdateExpression: 'ADD #generation :one',
          ConditionExpression: 'attribute_not_exists(#ended) OR #ended = :false',
          ExpressionAttributeNames: { '#generation': 'Generation', '#ended': 'Ended' },
          ExpressionAttributeValues: { ':one': 1, ':false': false },
          ReturnValues: 'ALL_NEW',
        }),
      ));
    });
    return isLeased ? leaseItems.read(stored ?? {}) : { ...(await this.read(source, shardId)), generation: 0 };
  }

  /**
   * Returns the item of a `TransactWriteItems` that moves a checkpoint from the lease's position to `to`. Its condition
   * fails if another reader has taken the lease.
   */
  advance(source: string, shardId: string, { generation, position }: Lease, to: Checkpoint): TransactItem {
    return {
      Put: {
        TableName: this.db.table('Checkpoints'),
        Item: leaseItems.write({ ...to, generation }, this.key(source, shardId)),
        // Race: a reader that lost its lease still writes after another reader took it. The generation in the condition
        // refuses the write, even if both readers are at the same position. The conditions on Position and Ended matter
        // only while readers of a release without generations run beside this one: their writes remove the generation,
        // so that it starts from 0 again.
        ConditionExpression:
          '#generation = :generation AND (attribute_not_exists(#ended) OR #ended = :false) AND ' +
          `${position === undefined ? 'attribute_not_exists(#position)' : '#position = :from'}`,
        ExpressionAttributeNames: { '#generation': 'Generation', '#ended': 'Ended', '#position': 'Position' },
        ExpressionAttributeValues: {
          ':generation': generation,
          ':false': false,
          ...defined({ ':from': position }),
        },
      },
    };
  }

  private key(source: string, shardId: string): { SourceShard: string } {
    return { SourceShard: compositeKey(source, shardId) };
  }
}
