import { DeleteCommand, GetCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey } from '../../domain/ids';
import { batchWrite } from '../batchWrite';
import type { Page, PageRequest } from '../cursor';
import type { Db } from '../dynamodb';
import { bytes, composite, flag, instant, type Item, itemType, optional, text } from '../items';
import { queryPage } from '../query';
import { platformTables } from './tables';
import type { TransactItem } from './outbox';

/** A stream record that could not be processed, with the reason. */
export interface DeadLetter {
  /** Name of the stream. */
  source: string;
  shardId: string;
  position: string;
  reason: string;
  /** The record's bytes as they arrived; truncated if `isCut`. */
  record: Uint8Array;
  /** The record was larger than `MAX_RECORD_BYTES`, so only its beginning is stored and it cannot be redriven. */
  isCut?: boolean;
  /** Arrival in the stream, epoch ms. */
  arrivedAt: number;
  /** Creation of the dead letter, epoch ms. */
  at: number;
}

/** The key of a dead letter: stream, shard and position. */
export type LetterKey = Pick<DeadLetter, 'source' | 'shardId' | 'position'>;

/**
 * Maximum number of letters in one redrive. Each needs a deletion and at most one effect, and a transaction has at most
 * 100 items.
 */
export const REDRIVE_LIMIT = 45;
/** Maximum stored size of a record; a DynamoDB item has at most 400 KB. */
export const MAX_RECORD_BYTES = 300 * 1024;
const MAX_REASON = 4_000;

const letterItems = itemType(platformTables, 'DeadLetters', {
  source: text('Source'),
  place: composite('PositionID'),
  reason: text('Reason'),
  record: bytes('Record'),
  isCut: optional(flag('IsCut')),
  arrivedAt: instant('ArrivedAt'),
  at: instant('At'),
});

/**
 * The `DeadLetters` table: records that could not be processed. They never stop a shard; an operator redrives or
 * discards them later.
 */
export class DeadLetterStore {
  constructor(private readonly db: Db) {}

  /**
   * Stores letters. Their key is the position, so a repeated call changes nothing.
   * @throws LongwatchError `unavailable` when DynamoDB repeatedly leaves letters unwritten.
   */
  async keep(letters: readonly DeadLetter[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeadLetters',
      letters.map((letter) => ({ PutRequest: { Item: letterItem(letter) } })),
    );
  }

  /**
   * Returns the item of a `TransactWriteItems` that stores a letter, for the transaction that moves the checkpoint past
   * its record.
   */
  keeping(letter: DeadLetter): TransactItem {
    return { Put: { TableName: this.db.table('DeadLetters'), Item: letterItem(letter) } };
  }

  /**
   * Returns a page of the letters of one stream, ordered by shard and position; without `source`, of all streams.
   * @throws LongwatchError `invalid` for a cursor of another release or of another list.
   */
  list(source: string | undefined, page: PageRequest): Promise<Page<DeadLetter>> {
    const ofSource = { where: '#source = :source', names: { '#source': 'Source' }, values: { ':source': source } };
    return queryPage(
      this.db,
      { name: 'dead letters', of: { source } },
      { table: 'DeadLetters', ...(source !== undefined && ofSource) },
      page,
      letterOf,
    );
  }

  /** Returns a letter. One strongly consistent read. */
  async find(letter: LetterKey): Promise<DeadLetter | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('DeadLetters'), Key: key(letter), ConsistentRead: true }),
    );
    return Item && letterOf(Item);
  }

  /**
   * Returns the item of a `TransactWriteItems` that deletes a letter, for the transaction that writes the effects of
   * its record.
   */
  strikeOff(letter: LetterKey): TransactItem {
    return {
      Delete: {
        TableName: this.db.table('DeadLetters'),
        Key: key(letter),
        // Race: two operators redrive the same letter. Only one deletion succeeds, so the effects are written once.
        ConditionExpression: 'attribute_exists(PositionID)',
      },
    };
  }

  /** Deletes a letter. @returns whether it existed. */
  async discard(letter: LetterKey): Promise<boolean> {
    const { Attributes } = await this.db.client.send(
      new DeleteCommand({ TableName: this.db.table('DeadLetters'), Key: key(letter), ReturnValues: 'ALL_OLD' }),
    );
    return Attributes !== undefined;
  }
}

const key = ({ source, shardId, position }: LetterKey) => ({
  Source: source,
  PositionID: compositeKey(shardId, position),
});

function letterItem(letter: DeadLetter): Item {
  const isCut = letter.record.length > MAX_RECORD_BYTES;
  const { shardId, position, ...rest } = letter;
  return letterItems.write({
    ...rest,
    place: [shardId, position],
    // The reason can quote the record: a long or malformed text must not prevent the letter from being stored.
    reason: letter.reason.slice(0, MAX_REASON).toWellFormed(),
    record: isCut ? letter.record.slice(0, MAX_RECORD_BYTES) : letter.record,
    isCut: isCut || undefined,
  });
}

function letterOf(item: Item): DeadLetter {
  const {
    place: [shardId = '', position = ''],
    ...letter
  } = letterItems.read(item);
  return { ...letter, shardId, position };
}
