import { createHash } from 'node:crypto';
import { type CartCountName, cartCountNames, type CartCounts } from '../../domain/carts/cart';
import { compositeKey } from '../../domain/ids';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';

/** Number of items that the counts are spread over, so that concurrent transactions rarely write the same item. */
const SHARDS = 32;

/** Returns the attribute of a count: `opened` is `Opened`. */
const attribute = (name: CartCountName): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** Counts of carts, each incremented in the transaction of the change that it counts. */
export class CartCountStore {
  constructor(private readonly db: Db) {}

  /** Returns the items of a `TransactWriteItems` that increment the counts; none if there are no counts. */
  counting(userId: string, counts: CartCounts): TransactItem[] {
    const entries = Object.entries(counts) as [CartCountName, number][];
    if (entries.length === 0) return [];
    const shard = createHash('sha256').update(userId).digest().readUInt16BE(0) % SHARDS;
    return [
      {
        Update: {
          TableName: this.db.table('CartCounts'),
          Key: { Shard: compositeKey('carts', shard) },
          UpdateExpression: `ADD ${entries.map(([name]) => `${attribute(name)} :${name}`).join(', ')}`,
          ExpressionAttributeValues: Object.fromEntries(entries.map(([name, count]) => [`:${name}`, count])),
        },
      },
    ];
  }

  /** Returns the counts over all carts ever. Eventually consistent. */
  async totals(): Promise<Record<CartCountName, number>> {
    const keys = Array.from({ length: SHARDS }, (_, shard) => ({ Shard: compositeKey('carts', shard) }));
    const { CartCounts: items } = await batchGet(this.db, { CartCounts: { keys } });
    return Object.fromEntries(
      cartCountNames.map((name) => [
        name,
        items.reduce((sum, item) => sum + ((item[attribute(name)] as number | undefined) ?? 0), 0),
      ]),
    ) as Record<CartCountName, number>;
  }
}
