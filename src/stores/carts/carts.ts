import { MAX_KEYS } from '../../domain/carts/idempotencyKeys';
import { GetCommand, PutCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type Cart, type CartLine, MAX_LINES, MAX_QUANTITY, type Snapshot } from '../../domain/carts/cart';
import type { LineChange } from '../../domain/carts/cartChanges';
import { type CartPreferences, defaultPreferences, type QuietHours } from '../../domain/carts/preferences';
import { defined } from '../../domain/defined';
import type { Page } from '../cursor';
import { type Db, isConditionFailure } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { anything, flag, itemType, optional, orElse, text } from '../items';
import { scanPage } from '../scanPage';
import { cartTables } from './tables';
import { CART, cartItem, cartOf, changedLine, openCartItems, snapshotText } from './cartItems';

/** The conditions of a change, and its time (epoch ms). */
export interface ChangeOptions {
  now: number;
  /** The product's data that a new line stores. Not needed to remove a line. */
  snapshot?: Snapshot;
  /** Digest of the idempotency key: a repeated request must not count twice. */
  key?: string;
  ifVersion?: number;
}

/** The cart's version after a change, and the changed line; absent if the change removed the line. */
export interface ChangedLine {
  version: number;
  line?: CartLine;
}

const PREFERENCES = 'preferences';

const preferenceItems = itemType(cartTables, 'ShoppingCart', {
  reminders: flag('Reminders'),
  // A user may unsubscribe before any preference is stored.
  timeZone: orElse(text('TimeZone'), defaultPreferences.timeZone),
  recipient: optional(text('Recipient')),
  quietHours: optional(anything<QuietHours | null>('QuietHours')),
});

/** Carts, one item each, and the preferences of their users. */
export class CartStore {
  constructor(private readonly db: Db) {}

  /** Returns the user's latest cart, whatever its status. Strongly consistent. */
  async read(userId: string): Promise<Cart | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.table, Key: { UserID: userId, Entry: CART }, ConsistentRead: true }),
    );
    return Item && cartOf(Item);
  }

  /**
   * Changes one line of an open cart in one update. This is the common case, in which no cart is opened or closed.
   * @returns the result, or undefined if the change opens or closes a cart, or if a limit, a version or a repeated key
   *   prevents it. Then the caller must read the whole cart.
   */
  async change(userId: string, change: LineChange, options: ChangeOptions): Promise<ChangedLine | undefined> {
    const expression = changeExpression(change, options);
    try {
      const { Attributes } = await this.db.client.send(
        // Do not return the whole cart: unmarshalling it takes more CPU time than the update.
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

  /** Returns the item of a `TransactWriteItems` that replaces the cart that was read. */
  replacing(before: Cart | undefined, cart: Cart): TransactItem {
    const asRead = (name: string, value: unknown) =>
      value === undefined ? `attribute_not_exists(${name})` : `${name} = :${name}`;
    return {
      Put: {
        TableName: this.table,
        Item: cartItem(cart),
        // Race: any other write since the read, including a reminder and a checkout, which do not change the version.
        // The one that loses reads the cart again, so that no change is lost.
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

  /** Returns the item of a `TransactWriteItems` that records a cart's new checkout. The version does not change. */
  checkingOut({ userId, version, checkoutId }: Cart, nextId: string): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: { UserID: userId, Entry: CART },
        UpdateExpression: 'SET CheckoutID = :next',
        // Race: another request changes the cart or begins another checkout after this request read the cart.
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

  /** Returns the item of a `TransactWriteItems` that records a reminder. The version does not change. */
  reminding({ userId, version }: Cart, rung: number, at: number): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: { UserID: userId, Entry: CART },
        UpdateExpression: 'SET Rung = :rung, RemindedAt = :at',
        // Race: the customer changes the cart while the reminder is sent. Then the reminders start from the first one
        // again.
        ConditionExpression: 'Version = :version',
        ExpressionAttributeValues: { ':rung': rung, ':at': at, ':version': version },
      },
    };
  }

  /** Returns a page of open carts, in no order. Scans the table: only for the reconciler. */
  openCarts(cursor: string | undefined): Promise<Page<Pick<Cart, 'userId' | 'number' | 'openedAt'>>> {
    const attributes = ['UserID', 'Entry', 'Status', 'CartNumber', 'OpenedAt'];
    return scanPage(
      this.db,
      'ShoppingCart',
      { attributes, condition: '#Entry = :cart AND #Status = :open', values: { ':cart': CART, ':open': 'open' } },
      cursor,
      openCartItems.read,
    );
  }

  /** Returns a user's preferences. Strongly consistent, so that a user who has just unsubscribed gets no reminder. */
  async preferences(userId: string): Promise<CartPreferences> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.table, Key: { UserID: userId, Entry: PREFERENCES }, ConsistentRead: true }),
    );
    return Item ? preferenceItems.read(Item) : defaultPreferences;
  }

  /** Replaces a user's preferences. The last write wins. */
  async putPreferences(userId: string, preferences: CartPreferences): Promise<void> {
    const Item = preferenceItems.write(preferences, { UserID: userId, Entry: PREFERENCES });
    await this.db.client.send(new PutCommand({ TableName: this.table, Item }));
  }

  /** Disables a user's reminders and changes nothing else. */
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
    // The same rule as `withLines` of domain/carts/cartChanges.ts: after a cart was closed or reminded, the next change
    // opens another cart, which needs an outbox entry in the same transaction.
    '#status = :open AND attribute_not_exists(Rung)',
    condition,
    // Race: another request changes the cart after the caller read it.
    ...(ifVersion === undefined ? [] : ['Version = :version']),
    // Race: the same request arrives twice. If there are too many keys, the caller reads the whole cart and removes old
    // ones.
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
      // Removing the last line closes the cart, which must be counted in a transaction.
      return {
        set: [],
        remove: ' REMOVE Quantities.#product, Snapshots.#product',
        condition: 'attribute_exists(Quantities.#product) AND size(Quantities) > :one',
        values: {},
      };
  }
}
