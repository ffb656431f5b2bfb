import { GetCommand, PutCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import {
  type Cart,
  type CartLine,
  type LineChange,
  MAX_KEYS,
  MAX_LINES,
  MAX_QUANTITY,
  type Snapshot,
} from '../../domain/carts/cart';
import { type CartPreferences, defaultPreferences } from '../../domain/carts/preferences';
import { defined } from '../../domain/defined';
import type { Page } from '../cursor';
import { type Db, isConditionFailure } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { scanPage } from '../scanPage';
import { CART, cartItem, cartOf, changedLine, snapshotText } from './cartItems';

export interface ChangeOptions {
  now: number;
  /** What a new line remembers of its product; not needed to remove. */
  snapshot?: Snapshot;
  /** Digest of a request that must not count twice. */
  key?: string;
  ifVersion?: number;
}

/** What a change made of a line; without one the line is gone. */
export interface ChangedLine {
  version: number;
  line?: CartLine;
}

const PREFERENCES = 'preferences';

/** Carts, one item each, and what their users wish. */
export class CartStore {
  constructor(private readonly db: Db) {}

  /** The user's latest cart, whatever its status. Strongly consistent. */
  async read(userId: string): Promise<Cart | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.table, Key: { UserID: userId, Entry: CART }, ConsistentRead: true }),
    );
    return Item && cartOf(Item);
  }

  /**
   * Changes one line of an open cart in one update: the everyday case, in which no cart begins or ends.
   * @returns what the change made, or undefined when it is another case, or a limit, a version or a key stands
   *   against it.
   */
  async change(userId: string, change: LineChange, options: ChangeOptions): Promise<ChangedLine | undefined> {
    const expression = changeExpression(change, options);
    try {
      const { Attributes } = await this.db.client.send(
        // Not the whole cart: reading it costs the client more than the update.
        new UpdateCommand({
          TableName: this.table,
          Key: { UserID: userId, Entry: CART },
          ReturnValues: 'UPDATED_NEW',
          ...expression,
        }),
      );
      return Attributes && changedLine(change.productId, Attributes);
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      return undefined;
    }
  }

  /** The part of a `TransactWriteItems` that replaces what was read of a cart. */
  replacing(before: Cart | undefined, cart: Cart): TransactItem {
    const asRead = (name: string, value: unknown) =>
      value === undefined ? `attribute_not_exists(${name})` : `${name} = :${name}`;
    return {
      Put: {
        TableName: this.table,
        Item: cartItem(cart),
        // The race: any other change since the reading, a reminder's and a checkout's mark included, which leave the
        // version as it is. The loser reads again, so that no change is lost.
        ConditionExpression: before
          ? ['Version = :Version', asRead('Rung', before.reminded?.rung), asRead('CheckoutID', before.checkoutId)].join(
              ' AND ',
            )
          : 'attribute_not_exists(UserID)',
        ...(before && {
          ExpressionAttributeValues: {
            ':Version': before.version,
            ...defined({ ':Rung': before.reminded?.rung, ':CheckoutID': before.checkoutId }),
          },
        }),
      },
    };
  }

  /**
   * The part of a `TransactWriteItems` that notes which checkout was begun from a cart; the customer's version stays.
   */
  checkingOut({ userId, version, checkoutId }: Cart, nextId: string): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: { UserID: userId, Entry: CART },
        UpdateExpression: 'SET CheckoutID = :next',
        // The race: a change of the cart, or another checkout of it, between its reading and this.
        ConditionExpression:
          'Version = :version AND ' +
          `${checkoutId === undefined ? 'attribute_not_exists(CheckoutID)' : 'CheckoutID = :checkout'}`,
        ExpressionAttributeValues: {
          ':next': nextId,
          ':version': version,
          ...defined({ ':checkout': checkoutId }),
        },
      },
    };
  }

  /**
   * The part of a `TransactWriteItems` that notes a reminder. The customer's version stays: the cart is what it was.
   */
  reminding({ userId, version }: Cart, rung: number, at: number): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: { UserID: userId, Entry: CART },
        UpdateExpression: 'SET Rung = :rung, RemindedAt = :at',
        // The race: the customer does something while the reminder goes out. Then the ladder begins anew.
        ConditionExpression: 'Version = :version',
        ExpressionAttributeValues: { ':rung': rung, ':at': at, ':version': version },
      },
    };
  }

  /** A page of carts that are not ended, in no order. Scans: for the reconciler alone. */
  async openCarts(cursor: string | undefined): Promise<Page<Pick<Cart, 'userId' | 'number' | 'openedAt'>>> {
    const attributes = ['UserID', 'Entry', 'Status', 'CartNumber', 'OpenedAt'];
    const page = await scanPage(
      this.db,
      'ShoppingCart',
      { attributes, condition: '#Entry = :cart AND #Status = :open', values: { ':cart': CART, ':open': 'open' } },
      cursor,
    );
    return {
      ...page,
      items: page.items.map((item) => ({
        userId: item['UserID'] as string,
        number: item['CartNumber'] as number,
        openedAt: item['OpenedAt'] as number,
      })),
    };
  }

  /** Strongly consistent: who unsubscribed a moment ago is not reminded. */
  async preferences(userId: string): Promise<CartPreferences> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.table, Key: { UserID: userId, Entry: PREFERENCES }, ConsistentRead: true }),
    );
    if (!Item) return defaultPreferences;
    const [recipient, quietHours] = [
      Item['Recipient'] as string | undefined,
      Item['QuietHours'] as CartPreferences['quietHours'],
    ];
    return {
      ...defaultPreferences,
      reminders: Item['Reminders'] as boolean,
      ...defined({ timeZone: Item['TimeZone'] as string | undefined, recipient, quietHours }),
    };
  }

  /** Replaces them whole; the last one stands. */
  async putPreferences(userId: string, { reminders, timeZone, recipient, quietHours }: CartPreferences): Promise<void> {
    const Item = {
      UserID: userId,
      Entry: PREFERENCES,
      Reminders: reminders,
      TimeZone: timeZone,
      Recipient: recipient,
      QuietHours: quietHours,
    };
    await this.db.client.send(new PutCommand({ TableName: this.table, Item }));
  }

  /** Ends the reminders and leaves everything else as it is. */
  async unsubscribe(userId: string): Promise<void> {
    await this.db.client.send(
      new UpdateCommand({
        TableName: this.table,
        Key: { UserID: userId, Entry: PREFERENCES },
        UpdateExpression: 'SET Reminders = :no',
        ExpressionAttributeValues: { ':no': false },
      }),
    );
  }

  private get table(): string {
    return this.db.table('ShoppingCart');
  }
}

type Expression = Pick<
  UpdateCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

function changeExpression(change: LineChange, { now, snapshot, key, ifVersion }: ChangeOptions): Expression {
  const { set, remove, condition, values } = lineExpression(change, snapshot);
  const sets = [
    ...set,
    'Version = Version + :one',
    'LastActivityAt = :now',
    ...(key === undefined ? [] : ['#keys.#key = Version']),
  ];
  const conditions = [
    // A cart that ended, or was reminded: its next change begins another one, which owes a workflow.
    '#status = :open AND attribute_not_exists(Rung)',
    condition,
    // The race: somebody else's change since the caller's reading.
    ...(ifVersion === undefined ? [] : ['Version = :version']),
    // The race: the same request twice. Too many keys are thinned out by whoever reads the whole cart.
    ...(key === undefined ? [] : ['attribute_not_exists(#keys.#key) AND size(#keys) < :keys']),
  ];
  return {
    UpdateExpression: `SET ${sets.join(', ')}${remove}`,
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: {
      '#status': 'Status',
      '#product': change.productId,
      ...(key !== undefined && { '#keys': 'Keys', '#key': key }),
    },
    ExpressionAttributeValues: {
      ...values,
      ':one': 1,
      ':now': now,
      ':open': 'open',
      ...defined({ ':version': ifVersion }),
      ...(key !== undefined && { ':keys': MAX_KEYS }),
    },
  };
}

function lineExpression(
  change: LineChange,
  snapshot: Snapshot | undefined,
): { set: string[]; remove: string; condition: string; values: Record<string, unknown> } {
  const remembers = 'Snapshots.#product = if_not_exists(Snapshots.#product, :snapshot)';
  const isRoom = 'attribute_exists(Quantities.#product) OR size(Quantities) < :lines';
  const values = { ':snapshot': snapshot && snapshotText(snapshot), ':lines': MAX_LINES };
  switch (change.kind) {
    case 'set':
      return {
        set: ['Quantities.#product = :quantity', remembers],
        remove: '',
        condition: `(${isRoom})`,
        values: { ...values, ':quantity': change.quantity },
      };
    case 'add':
      return {
        set: ['Quantities.#product = if_not_exists(Quantities.#product, :zero) + :quantity', remembers],
        remove: '',
        condition:
          change.quantity > 0
            ? `(${isRoom}) AND (attribute_not_exists(Quantities.#product) OR Quantities.#product <= :room)`
            : 'Quantities.#product > :least AND size(Quantities) <= :lines',
        values: {
          ...values,
          ':quantity': change.quantity,
          ':zero': 0,
          ...(change.quantity > 0 ? { ':room': MAX_QUANTITY - change.quantity } : { ':least': -change.quantity }),
        },
      };
    case 'remove':
      // The last line's removal ends the cart, which is counted.
      return {
        set: [],
        remove: ' REMOVE Quantities.#product, Snapshots.#product',
        condition: 'attribute_exists(Quantities.#product) AND size(Quantities) > :one',
        values: {},
      };
  }
}
