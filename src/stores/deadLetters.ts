import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey, iso } from '../domain/ids';
import type { Db } from './dynamodb';
import type { TransactItem } from './ledger';

export interface DeadLetter {
  source: string;
  shardId: string;
  position: string;
  reason: string;
  /** The record as text, cut to a few KB. */
  record: string;
  /** Epoch ms. */
  at: number;
}

const MAX_RECORD = 8_192;

/** Records that could not be processed. They never stop a shard; somebody looks at them later. */
export class DeadLetterStore {
  constructor(private readonly db: Db) {}

  /** The part of a `TransactWriteItems` that keeps a record; keyed by its position, so twice is once. */
  item(letter: DeadLetter): TransactItem {
    return {
      Put: {
        TableName: this.db.table('DeadLetters'),
        Item: {
          Source: letter.source,
          PositionID: compositeKey(letter.shardId, letter.position),
          Reason: letter.reason,
          Record: letter.record.slice(0, MAX_RECORD),
          At: iso(letter.at),
        },
      },
    };
  }

  async list(source: string, limit: number): Promise<Omit<DeadLetter, 'shardId'>[]> {
    const { Items = [] } = await this.db.client.send(
      new QueryCommand({
        TableName: this.db.table('DeadLetters'),
        KeyConditionExpression: '#source = :source',
        ExpressionAttributeNames: { '#source': 'Source' },
        ExpressionAttributeValues: { ':source': source },
        Limit: limit,
      }),
    );
    return Items.map((item) => ({
      source,
      position: item['PositionID'] as string,
      reason: item['Reason'] as string,
      record: item['Record'] as string,
      at: Date.parse(item['At'] as string),
    }));
  }
}
