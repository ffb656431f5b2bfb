import { createHash } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { CheckoutLine } from '../../domain/carts/checkout';
import type { Product } from '../../domain/carts/product';
import { expiredHolds } from '../../domain/carts/holds';
import { removeAdjustmentAt } from '../../domain/carts/retention';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import { compositeKey } from '../../domain/ids';
import { again, retry } from '../../timing/retry';
import { batchGet } from '../batchGet';
import { type Db, isConditionFailure } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { type Item, itemType, map, number, text } from '../items';
import { transact } from '../transact';
import { cartTables } from './tables';

const PRODUCT = 'product';

const productItems = itemType(cartTables, 'Products', {
  productId: text('ProductID'),
  title: text('Title'),
  price: number('Price'),
  currency: text('Currency'),
  version: number('Version'),
  onHand: number('OnHand'),
  holds: map<Record<string, number>>('Holds'),
  sold: number('Sold'),
});

const ATTEMPTS = 10;

/** A product to store. */
export interface ProductWrite extends Pick<Product, 'productId' | 'title' | 'price' | 'currency'> {
  /** The new stock on hand, without held units. Absent: unchanged. */
  stockOnHand?: number;
  ifVersion?: number;
}

type HeldLine = Pick<CheckoutLine, 'productId' | 'quantity'>;

/** Products and their stock. An update that moves units between on hand, held and sold does not change their sum. */
export class ProductStore {
  constructor(private readonly db: Db) {}

  /** Returns products by their ids. Missing products are omitted. */
  async read(productIds: readonly string[], { consistent }: { consistent: boolean }): Promise<Product[]> {
    const keys = productIds.map((ProductID) => ({ ProductID, Entry: PRODUCT }));
    const { Products } = await batchGet(this.db, { Products: { keys, consistent } });
    return Products.map(product);
  }

  /**
   * Creates or changes a product.
   * @throws LongwatchError `versionMismatch` if `ifVersion` is not the current version.
   */
  async put({ productId, title, price, currency, stockOnHand, ifVersion }: ProductWrite): Promise<Product> {
    try {
      const { Attributes = {} } = await this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: this.key(productId),
          // Only checkouts change held and sold.
          UpdateExpression:
            'SET Title = :title, Price = :price, Currency = :currency, Version = if_not_exists(Version, :zero) + ' +
            ':one, Sold = if_not_exists(Sold, :zero), Holds = if_not_exists(Holds, :none), ' +
            (stockOnHand === undefined ? 'OnHand = if_not_exists(OnHand, :zero)' : 'OnHand = :onHand'),
          // Race: two callers change a product at the same time.
          ...(ifVersion !== undefined && {
            ConditionExpression: ifVersion === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
          }),
          ExpressionAttributeValues: {
            ':title': title,
            ':price': price,
            ':currency': currency,
            ':zero': 0,
            ':one': 1,
            ':none': {},
            ...defined({ ':onHand': stockOnHand }),
            ...(ifVersion !== undefined && ifVersion > 0 && { ':version': ifVersion }),
          },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return product(Attributes);
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      throw new LongwatchError(
        'versionMismatch',
        `Version ${ifVersion} is not the current one of product ${productId}; read it again, then change it`,
        { cause: error },
      );
    }
  }

  /**
   * Adds a delivery to the stock on hand or subtracts a loss, once per idempotency key.
   * @throws LongwatchError `notFound`, `conflict` if the stock on hand is too low, `contention` if other writes keep
   *   the product busy.
   */
  async adjust(productId: string, by: number, key: string, now: number): Promise<void> {
    const exhausted = () => new LongwatchError('contention', `Product ${productId} is busy; try again`);
    await retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const cancelled = await transact(this.db, {
        key: {
          Put: {
            TableName: this.table,
            Item: {
              ProductID: productId,
              Entry: compositeKey('adjustment', createHash('sha256').update(key).digest('base64url')),
              ExpiresAt: removeAdjustmentAt(now),
            },
            // Race: the same request arrives twice.
            ConditionExpression: 'attribute_not_exists(ProductID)',
          },
        },
        stock: {
          Update: {
            TableName: this.table,
            Key: this.key(productId),
            UpdateExpression: 'SET OnHand = OnHand + :by',
            // Race: a checkout takes the last units meanwhile.
            ConditionExpression: 'OnHand >= :least',
            ExpressionAttributeValues: { ':by': by, ':least': Math.max(0, -by) },
          },
        },
      });
      if (!cancelled || cancelled.lost.has('key')) return undefined;
      if (!cancelled.lost.has('stock')) return again;
      const [found] = await this.read([productId], { consistent: true });
      if (!found) throw new LongwatchError('notFound', `There is no product ${productId}`);
      throw new LongwatchError(
        'conflict',
        `Product ${productId} has ${found.stock.onHand} on hand, which is less than ${-by}`,
      );
    });
  }

  /**
   * Returns the item of a `TransactWriteItems` that holds stock until `end` (epoch ms), based on the product that was
   * read. It also returns the units of expired holds to the stock on hand.
   */
  holding({ productId, price, currency, stock }: Product, quantity: number, end: number, now: number): TransactItem {
    const ended = expiredHolds(stock, now);
    const freed = ended.reduce((sum, { quantity: of }) => sum + of, 0);
    return {
      Update: {
        TableName: this.table,
        Key: this.key(productId),
        UpdateExpression:
          'SET OnHand = OnHand + :change, Holds.#end = if_not_exists(Holds.#end, :zero) + ' +
          `:quantity${ended.length > 0 ? ` REMOVE ${ended.map((_, i) => `Holds.#ended${i}`).join(', ')}` : ''}`,
        ConditionExpression: [
          // Race: other buyers take units after the read. The stock on hand never becomes negative.
          'OnHand >= :least',
          // Race: the price changes between the answer to the customer and the frozen lines.
          'Price = :price AND Currency = :currency',
          // Race: another process returns the expired holds, or a confirmation of one of them is written just in time.
          ...ended.map((_, i) => `Holds.#ended${i} = :ended${i}`),
        ].join(' AND '),
        ExpressionAttributeNames: {
          '#end': String(end),
          ...Object.fromEntries(ended.map((hold, i) => [`#ended${i}`, hold.end])),
        },
        ExpressionAttributeValues: {
          ':change': freed - quantity,
          ':least': Math.max(0, quantity - freed),
          ':quantity': quantity,
          ':zero': 0,
          ':price': price,
          ':currency': currency,
          ...Object.fromEntries(ended.map((hold, i) => [`:ended${i}`, hold.quantity])),
        },
      },
    };
  }

  /** Returns the item of a `TransactWriteItems` that turns units held until `end` into sold units. */
  selling(line: HeldLine, end: number): TransactItem {
    return this.ending(line, end, 'Sold = Sold + :quantity');
  }

  /** Returns the item of a `TransactWriteItems` that returns units held until `end` to the stock on hand. */
  returning(line: HeldLine, end: number): TransactItem {
    return this.ending(line, end, 'OnHand = OnHand + :quantity');
  }

  /**
   * Returns the item of a `TransactWriteItems` that returns sold units to the stock on hand, for an order that was not
   * completed.
   */
  unselling({ productId, quantity }: HeldLine): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: this.key(productId),
        UpdateExpression: 'SET Sold = Sold - :quantity, OnHand = OnHand + :quantity',
        ExpressionAttributeValues: { ':quantity': quantity },
      },
    };
  }

  /** Returns the units of a product's expired holds to the stock on hand. A repeated call changes nothing. */
  async returnExpiredHolds({ productId, stock }: Product, now: number): Promise<void> {
    for (const { end, quantity } of expiredHolds(stock, now))
      try {
        await this.db.client.send(
          new UpdateCommand({
            TableName: this.table,
            Key: this.key(productId),
            UpdateExpression: 'SET OnHand = OnHand + :quantity REMOVE Holds.#end',
            // Race: a checkout or another workflow returns the same hold at the same moment.
            ConditionExpression: 'Holds.#end = :quantity',
            ExpressionAttributeNames: { '#end': end },
            ExpressionAttributeValues: { ':quantity': quantity },
          }),
        );
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
      }
  }

  private ending({ productId, quantity }: HeldLine, end: number, into: string): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: this.key(productId),
        UpdateExpression: `SET Holds.#end = Holds.#end - :quantity, ${into}`,
        // Race: the hold has expired and another process has returned it. This condition decides, not a clock.
        ConditionExpression: 'Holds.#end >= :quantity',
        ExpressionAttributeNames: { '#end': String(end) },
        ExpressionAttributeValues: { ':quantity': quantity },
      },
    };
  }

  private key(ProductID: string): { ProductID: string; Entry: string } {
    return { ProductID, Entry: PRODUCT };
  }

  private get table(): string {
    return this.db.table('Products');
  }
}

function product(item: Item): Product {
  const { onHand, holds, sold, ...named } = productItems.read(item);
  return { ...named, stock: { onHand, holds, sold } };
}
