import { DeleteCommand, GetCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey, iso } from '../../domain/ids';
import { batchWrite } from '../batchWrite';
import type { Page, PageRequest } from '../cursor';
import type { Db } from '../dynamodb';
import { queryPage } from '../query';
import type { TransactItem } from './outbox';

export interface DeadLetter {
  /** Name of the stream. */
  source: string;
  shardId: string;
  position: string;
  reason: string;
  /** The record as it came; cut when `isCut`. */
  record: Uint8Array;
  /** An item holds 400 KB: a larger record is kept only in part and cannot be re-driven from here. */
  isCut?: boolean;
  /** When the stream took it, epoch ms. */
  arrivedAt: number;
  /** When it was set aside, epoch ms. */
  at: number;
}

/** Where a letter is: its stream, and its place there. */
export type LetterKey = Pick<DeadLetter, 'source' | 'shardId' | 'position'>;

/** Letters re-driven at once: each is a deletion and at most one effect, in a transaction of at most 100 items. */
export const REDRIVE_LIMIT = 45;
/** Of a record that a letter keeps; the rest is cut off. */
export const MAX_RECORD_BYTES = 300 * 1024;
const MAX_REASON = 4_000;

/** Records that could not be processed. They never stop a shard; somebody looks at them later. */
export class DeadLetterStore {
  constructor(private readonly db: Db) {}

  /** Keeps letters; keyed by their position, so twice is once. */
  async keep(letters: readonly DeadLetter[]): Promise<void> {
    await batchWrite(
      this.db,
      'DeadLetters',
      letters.map((letter) => ({ PutRequest: { Item: item(letter) } })),
    );
  }

  /** The part of a `TransactWriteItems` that keeps a letter: with the checkpoint that moves past its record. */
  keeping(letter: DeadLetter): TransactItem {
    return { Put: { TableName: this.db.table('DeadLetters'), Item: item(letter) } };
  }

  /** Letters by shard and position, of one stream or of all. */
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

  async find(letter: LetterKey): Promise<DeadLetter | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('DeadLetters'), Key: key(letter), ConsistentRead: true }),
    );
    return Item && letterOf(Item);
  }

  /** The part of a `TransactWriteItems` that strikes a letter off together with the effects of its record. */
  strikeOff(letter: LetterKey): TransactItem {
    return {
      Delete: {
        TableName: this.db.table('DeadLetters'),
        Key: key(letter),
        // The race: two people re-driving it. The effects come with one of the two deletions.
        ConditionExpression: 'attribute_exists(PositionID)',
      },
    };
  }

  /** @returns whether it was there. */
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

function item(letter: DeadLetter): Record<string, unknown> {
  const isCut = letter.record.length > MAX_RECORD_BYTES;
  return {
    ...key(letter),
    // Whatever the reason quotes, the letter itself must be storable.
    Reason: letter.reason.slice(0, MAX_REASON).toWellFormed(),
    Record: isCut ? letter.record.slice(0, MAX_RECORD_BYTES) : letter.record,
    ...(isCut && { IsCut: true }),
    ArrivedAt: iso(letter.arrivedAt),
    At: iso(letter.at),
  };
}

function letterOf(stored: Record<string, unknown>): DeadLetter {
  const [shardId = '', position = ''] = (stored['PositionID'] as string).split('#');
  return {
    source: stored['Source'] as string,
    shardId,
    position,
    reason: stored['Reason'] as string,
    record: stored['Record'] as Uint8Array,
    ...(stored['IsCut'] === true && { isCut: true }),
    arrivedAt: Date.parse(stored['ArrivedAt'] as string),
    at: Date.parse(stored['At'] as string),
  };
}
