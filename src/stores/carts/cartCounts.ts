import { createHash } from 'node:crypto';
import { type CartCountName, cartCountNames, type CartCounts } from '../../domain/carts/cart';
import { compositeKey } from '../../domain/ids';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';

/** Carts that begin and end at the same moment rarely meet on one of these. */
const SHARDS = 32;

/** `opened`, `closed`, … as attributes `Opened`, `Closed`, …. */
const attribute = (name: CartCountName): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** The numbers that shops watch, each written in the transaction of the change that it counts. */
export class CartCountStore {
  constructor(private readonly db: Db) {}

  /** The part of a `TransactWriteItems` that counts; none when there is nothing to count. */
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

  /** Over all carts ever. Eventually consistent. */
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
