import { stringKey, type Tables } from '../tableSpec';

/** The tables of carts, products and checkouts. */
export const cartTables = {
  /**
   * A user's cart with its lines (Entry = `cart`), and the user's preferences for reminders (Entry = `preferences`).
   */
  ShoppingCart: { partitionKey: stringKey('UserID'), sortKey: stringKey('Entry') },
  /** Counts of opened, reminded, … carts; a count is the sum over the shards. */
  CartCounts: { partitionKey: stringKey('Shard') },
  /**
   * A product with its stock (Entry = `product`), and the applied adjustments of its stock (Entry =
   * `adjustment#<key>`).
   */
  Products: { partitionKey: stringKey('ProductID'), sortKey: stringKey('Entry'), ttl: 'ExpiresAt' },
  /** A checkout (Entry = `checkout`), and its payments that must be or were refunded (Entry = `refund#<reference>`). */
  Checkouts: {
    partitionKey: stringKey('CheckoutID'),
    sortKey: stringKey('Entry'),
    indexes: {
      ByRefund: { partitionKey: stringKey('RefundStatus'), sortKey: stringKey('RecordedAtID'), projection: 'ALL' },
    },
    ttl: 'ExpiresAt',
  },
  /** A user's orders, in time order. */
  Orders: { partitionKey: stringKey('UserID'), sortKey: stringKey('TimeOrderID') },
} as const satisfies Tables;
