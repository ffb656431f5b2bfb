import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { compositeKey, iso } from '../../domain/ids';
import { held } from '../conflicts';
import type { Db } from '../dynamodb';
import type { TransactItem } from './outbox';

export interface Checkpoint {
  /** Last position whose effects are written. */
  position?: string;
  /** Everything that the stream took before this instant (epoch ms) is read. Absent before the first record. */
  caughtUpAt?: number;
  /** The shard is closed and fully read. */
  ended: boolean;
}

/** A checkpoint as its newest reader found it. Every write of that reader presents the generation. */
export interface Lease extends Checkpoint {
  /**
   * Counts the readers of the shard: 1, 2, 3, … Only the reader with the newest generation may write. 0 if the shard
   * has ended.
   */
  generation: number;
}

/** Positions of stream consumers, one item per shard, written in one transaction with the effects of the records. */
export class CheckpointStore {
  constructor(private readonly db: Db) {}

  /** Returns the checkpoint without taking the lease. One strongly consistent read. */
  async read(source: string, shardId: string): Promise<Checkpoint> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Checkpoints'), Key: this.key(source, shardId), ConsistentRead: true }),
    );
    return checkpointOf(Item);
  }

  /**
   * Takes the lease on a shard: increments the generation, so that no earlier reader of the shard can write any more.
   * @returns the checkpoint to go on from. The checkpoint of an ended shard is returned without a lease: it never
   *   changes again.
   */
  async lease(source: string, shardId: string): Promise<Lease> {
    let stored: Record<string, unknown> | undefined;
    const isLeased = await held(async () => {
      ({ Attributes: stored } = await this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('Checkpoints'),
          Key: this.key(source, shardId),
          // ADD counts from 0 where the checkpoint was written by a release without generations. If the SDK sends the
          // increment twice, the answer still carries the newest generation.
          UpdateExpression: 'ADD #generation :one',
          ConditionExpression: 'attribute_not_exists(#ended) OR #ended = :false',
          ExpressionAttributeNames: { '#generation': 'Generation', '#ended': 'Ended' },
          ExpressionAttributeValues: { ':one': 1, ':false': false },
          ReturnValues: 'ALL_NEW',
        }),
      ));
    });
    return isLeased
      ? { ...checkpointOf(stored), generation: stored?.['Generation'] as number }
      : { ...(await this.read(source, shardId)), generation: 0 };
  }

  /** The part of a `TransactWriteItems` that moves a checkpoint from where the lease's holder left it. */
  advance(source: string, shardId: string, { generation, position }: Lease, to: Checkpoint): TransactItem {
    return {
      Put: {
        TableName: this.db.table('Checkpoints'),
        Item: {
          ...this.key(source, shardId),
          ...defined({ Position: to.position }),
          ...(to.caughtUpAt !== undefined && { CaughtUpAt: iso(to.caughtUpAt) }),
          Ended: to.ended,
          Generation: generation,
        },
        // Race: a reader that was believed dead writes after another reader took the lease. Its generation is old, so
        // nothing is applied, even if both stand at the same position. Position and Ended matter only while readers of
        // a release without generations run beside this one: their writes drop the generation, so that it counts anew.
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

function checkpointOf(item: Record<string, unknown> | undefined): Checkpoint {
  const position = item?.['Position'] as string | undefined;
  const caughtUpAt = item?.['CaughtUpAt'] as string | undefined;
  return {
    ...defined({ position }),
    ...(caughtUpAt !== undefined && { caughtUpAt: Date.parse(caughtUpAt) }),
    ended: item?.['Ended'] === true,
  };
}
