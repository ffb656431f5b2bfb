import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LongwatchError } from '../../domain/errors';
import { againAfter, retry } from '../../timing/retry';
import type { DocumentSender } from '../documentClient';
import type { TransactItem } from '../platform/outbox';

/** An item. */
export type Item = Record<string, unknown>;
type Attributes = Record<string, AttributeValue>;

/**
 * The reason why an item was not written: the stored item that failed the condition; `absent`, if there was no item;
 * `conflict`, if another transaction was writing it; `nothing`, if only other items of the transaction failed.
 */
export type WriteObstacle = Item | 'absent' | 'nothing' | 'conflict';

/** A put with an optional condition. */
export interface Put {
  item: Item;
  condition?: string;
  values?: Item;
}

/** An update with a condition. */
export interface Update {
  key: Item;
  set: string;
  condition: string;
  values: Item;
}

/** Maximum attempts of a write while other transactions write the same items. */
export const ATTEMPTS = 8;

/** The table of sessions. */
export class SessionTable {
  constructor(
    private readonly client: DocumentSender,
    private readonly name: string,
  ) {}

  /** Returns all items of a key in one strongly consistent request. */
  async parts(key: string): Promise<Item[]> {
    const { Items = [] } = await this.client.send(
      new QueryCommand({
        TableName: this.name,
        ConsistentRead: true,
        KeyConditionExpression: 'SessionKey = :key',
        ExpressionAttributeValues: { ':key': key },
      }),
    );
    return Items;
  }

  /** Returns one page of a strongly consistent scan. */
  async page(filter: string, values: Item, from: Item | undefined): Promise<{ items: Item[]; next: Item | undefined }> {
    const { Items = [], LastEvaluatedKey } = await this.client.send(
      new ScanCommand({
        TableName: this.name,
        ConsistentRead: true,
        FilterExpression: filter,
        ExpressionAttributeValues: values,
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    return { items: Items, next: LastEvaluatedKey };
  }

  /**
   * Puts an item.
   * @returns undefined if it was written, otherwise the reason why not.
   * @throws LongwatchError `contention` after 8 attempts.
   */
  async put(put: Put): Promise<WriteObstacle | undefined> {
    return (await this.attempt(() => this.client.send(new PutCommand(this.putInput(put)))))?.[0];
  }

  /**
   * Updates an item.
   * @returns the item before the update if `returns` is `before`; or the reason why it was not written.
   * @throws LongwatchError `contention` after 8 attempts.
   */
  async update(
    update: Update,
    returns: 'before' | 'nothing' = 'nothing',
  ): Promise<{ before: Item } | { inTheWay: WriteObstacle }> {
    let before: Item = {};
    const inTheWay = await this.attempt(async () => {
      const { Attributes = {} } = await this.client.send(
        new UpdateCommand({
          ...this.updateInput(update),
          ...(returns === 'before' && { ReturnValues: 'ALL_OLD' as const }),
        }),
      );
      before = Attributes;
    });
    return inTheWay?.[0] === undefined ? { before } : { inTheWay: inTheWay[0] };
  }

  /** Deletes an item, without a condition. */
  async remove(key: Item): Promise<void> {
    await this.client.send(new DeleteCommand({ TableName: this.name, Key: key }));
  }

  /**
   * Writes all items, or none of them.
   * @returns undefined if they were written, otherwise the reason for each item.
   * @throws LongwatchError `contention` after 8 attempts.
   */
  async transact(
    writes: readonly ({ put: Put } | { update: Update })[],
  ): Promise<readonly WriteObstacle[] | undefined> {
    const TransactItems = writes.map((write): TransactItem =>
      'put' in write ? { Put: this.putInput(write.put) } : { Update: this.updateInput(write.update) },
    );
    return this.attempt(() => this.client.send(new TransactWriteCommand({ TransactItems })));
  }

  private putInput({ item, condition, values }: Put) {
    return {
      TableName: this.name,
      Item: item,
      ...(condition !== undefined && {
        ConditionExpression: condition,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      }),
      ...(values && { ExpressionAttributeValues: values }),
    };
  }

  private updateInput({ key, set, condition, values }: Update) {
    return {
      TableName: this.name,
      Key: key,
      UpdateExpression: set,
      ConditionExpression: condition,
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
  }

  /** Retries while another transaction writes one of the items, because the conditions were not evaluated then. */
  private async attempt(write: () => Promise<unknown>): Promise<readonly WriteObstacle[] | undefined> {
    return retry({ attempts: ATTEMPTS, exhausted: contention }, async () => {
      try {
        await write();
        return undefined;
      } catch (error) {
        const inTheWay = standingInTheWay(error);
        if (!inTheWay) throw error;
        return inTheWay.includes('conflict') ? againAfter(error) : inTheWay;
      }
    });
  }
}

/** Returns the error for a write that met other transactions in every attempt. */
export const contention = (cause?: unknown) =>
  new LongwatchError('contention', 'The session was busy; try again', { cause });

/**
 * Classifies an error by its name, because an application's client may come from another copy of the SDK with other
 * classes.
 */
function standingInTheWay(error: unknown): WriteObstacle[] | undefined {
  const {
    name,
    Item: old,
    CancellationReasons = [],
  } = error as { name?: string; Item?: Attributes; CancellationReasons?: { Code?: string; Item?: Attributes }[] };
  const found = (item: Attributes | undefined): WriteObstacle => (item ? unmarshall(item) : 'absent');
  switch (name) {
    case 'ConditionalCheckFailedException':
      return [found(old)];
    case 'TransactionConflictException':
      return ['conflict'];
    case 'TransactionCanceledException':
      // Throttled, too large, …: not a race.
      if (
        CancellationReasons.some(
          ({ Code = 'None' }) => !/^(None|ConditionalCheckFailed|TransactionConflict)$/.test(Code),
        )
      )
        return undefined;
      return CancellationReasons.map(({ Code, Item: item }) =>
        Code === 'ConditionalCheckFailed' ? found(item) : Code === 'TransactionConflict' ? 'conflict' : 'nothing',
      );
    default:
      return undefined;
  }
}
