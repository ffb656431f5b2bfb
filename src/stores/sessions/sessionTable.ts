import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { LongwatchError } from '../../domain/errors';
import { againAfter, retry } from '../../timing/retry';

export type Item = Record<string, unknown>;
type Attributes = Record<string, AttributeValue>;

/**
 * What kept an item of a write from being written: the item that did not meet the condition, or that there was none.
 */
export type InTheWay = Item | 'absent' | 'nothing' | 'conflict';

export interface Put {
  item: Item;
  condition?: string;
  values?: Item;
}

export interface Update {
  key: Item;
  set: string;
  condition: string;
  values: Item;
}

export const ATTEMPTS = 8;

/**
 * The table of sessions by the plain client of the SDK, whichever the application has. A session is read on each
 * request:
 * what the SDK does anew for each call unless it is told not to, and the document client always, is a fifth of the
 * time.
 */
export class SessionTable {
  private readonly client: DynamoDBClient;

  constructor(
    client: DynamoDBClient | DynamoDBDocumentClient,
    private readonly name: string,
  ) {
    this.client = quick(client);
  }

  /** Every part of a key, strongly consistent, in one request. */
  async parts(key: string): Promise<Item[]> {
    const { Items = [] } = await this.client.send(
      new QueryCommand({
        TableName: this.name,
        ConsistentRead: true,
        KeyConditionExpression: 'SessionKey = :key',
        ExpressionAttributeValues: { ':key': { S: key } },
      }),
    );
    return Items.map((item) => unmarshall(item));
  }

  /** A page of the whole table, strongly consistent. */
  async page(
    filter: string,
    values: Item,
    from: Attributes | undefined,
  ): Promise<{ items: Item[]; next: Attributes | undefined }> {
    const { Items = [], LastEvaluatedKey } = await this.client.send(
      new ScanCommand({
        TableName: this.name,
        ConsistentRead: true,
        FilterExpression: filter,
        ExpressionAttributeValues: marshall(values),
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    return { items: Items.map((item) => unmarshall(item)), next: LastEvaluatedKey };
  }

  /** @returns undefined when it is written, else what stood in the way. */
  async put(put: Put): Promise<InTheWay | undefined> {
    return (await this.attempt(() => this.client.send(new PutItemCommand(this.putInput(put)))))?.[0];
  }

  /** @returns the item as it was when it is written, else what stood in the way. */
  async update(
    update: Update,
    returns: 'before' | 'nothing' = 'nothing',
  ): Promise<{ before: Item } | { inTheWay: InTheWay }> {
    let before: Attributes = {};
    const inTheWay = await this.attempt(async () => {
      const { Attributes = {} } = await this.client.send(
        new UpdateItemCommand({
          ...this.updateInput(update),
          ...(returns === 'before' && { ReturnValues: 'ALL_OLD' as const }),
        }),
      );
      before = Attributes;
    });
    return inTheWay?.[0] === undefined ? { before: unmarshall(before) } : { inTheWay: inTheWay[0] };
  }

  async remove(key: Item): Promise<void> {
    await this.client.send(new DeleteItemCommand({ TableName: this.name, Key: marshall(key) }));
  }

  /** All or nothing. @returns undefined when it is written, else what stood in the way of each. */
  async transact(writes: readonly ({ put: Put } | { update: Update })[]): Promise<readonly InTheWay[] | undefined> {
    const TransactItems = writes.map((write): TransactWriteItem =>
      'put' in write ? { Put: this.putInput(write.put) } : { Update: this.updateInput(write.update) },
    );
    return this.attempt(() => this.client.send(new TransactWriteItemsCommand({ TransactItems })));
  }

  private putInput({ item, condition, values }: Put) {
    return {
      TableName: this.name,
      Item: marshall(item),
      ...(condition !== undefined && {
        ConditionExpression: condition,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      }),
      ...(values && { ExpressionAttributeValues: marshall(values) }),
    };
  }

  private updateInput({ key, set, condition, values }: Update) {
    return {
      TableName: this.name,
      Key: marshall(key),
      UpdateExpression: set,
      ConditionExpression: condition,
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: marshall(values) }),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
  }

  /** Again where another transaction on an item was under way: nothing is known then. */
  private async attempt(write: () => Promise<unknown>): Promise<readonly InTheWay[] | undefined> {
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

export const contention = (cause?: unknown) =>
  new LongwatchError('contention', 'The session was busy; try again', { cause });

/** By the errors' names: an application may bring a client from another copy of the SDK, whose classes are not ours. */
function standingInTheWay(error: unknown): InTheWay[] | undefined {
  const {
    name,
    Item: old,
    CancellationReasons = [],
  } = error as { name?: string; Item?: Attributes; CancellationReasons?: { Code?: string; Item?: Attributes }[] };
  const found = (item: Attributes | undefined): InTheWay => (item ? unmarshall(item) : 'absent');
  switch (name) {
    case 'ConditionalCheckFailedException':
      return [found(old)];
    case 'TransactionConflictException':
      return ['conflict'];
    case 'TransactionCanceledException':
      // Throttled, too large, …: a fault like any other.
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

/**
 * The client with its middleware put together once, not for each call; on a copy of its settings, so that it stays as
 * it
 * is for the application. One of an SDK that is too old for our commands lends its settings to one of ours.
 */
function quick(client: DynamoDBClient | DynamoDBDocumentClient): DynamoDBClient {
  const config = { ...client.config, cacheMiddleware: true };
  const isOurs = client.middlewareStack.identify().some((middleware) => middleware.includes('serializerMiddleware'));
  if (!isOurs)
    return new DynamoDBClient(
      Object.assign({}, config, {
        defaultUserAgentProvider: undefined,
        retryStrategy: undefined,
        extensions: undefined,
      }) as never,
    );
  return Object.assign(Object.create(client) as DynamoDBClient, { config, handlers: undefined });
}
