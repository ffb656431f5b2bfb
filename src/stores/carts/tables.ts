import { stringKey, type Tables } from '../tables';

/** The tables of carts, products and checkouts. */
export const cartTables = {
  /** A user's cart with its lines (Entry = `cart`) and wishes about reminders (Entry = `preferences`). */
  ShoppingCart: { partitionKey: stringKey('UserID'), sortKey: stringKey('Entry') },
  /** How many carts were opened, reminded, …; spread over shards. */
  CartCounts: { partitionKey: stringKey('Shard') },
  /**
   * A product with its stock (Entry = `product`), and which adjustments of it were made (Entry = `adjustment#<key>`).
   */
  Products: { partitionKey: stringKey('ProductID'), sortKey: stringKey('Entry'), ttl: 'ExpiresAt' },
  /**
   * A checkout (Entry = `checkout`) and payments that came for it and must be given back (Entry =
   * `refund#<reference>`).
   */
  Checkouts: {
    partitionKey: stringKey('CheckoutID'),
    sortKey: stringKey('Entry'),
    indexes: {
      ByRefund: { partitionKey: stringKey('RefundStatus'), sortKey: stringKey('RecordedAtID'), projection: 'ALL' },
    },
    ttl: 'ExpiresAt',
  },
  /** What a user bought, in time order. */
  Orders: { partitionKey: stringKey('UserID'), sortKey: stringKey('TimeOrderID') },
} as const satisfies Tables;
