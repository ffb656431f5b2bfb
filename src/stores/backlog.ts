import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey } from '../domain/ids';
import type { Debt } from '../domain/ledger';
import type { Db } from './dynamodb';
import { LEDGER_SHARDS } from './ledger';

/** A number that is exact up to a bound, beyond which nobody counts on. */
export interface Bounded {
  count: number;
  /** There are more than `count`. */
  more: boolean;
}

export interface LedgerBacklog extends Bounded {
  /** When the oldest was due, epoch ms. */
  oldestDueAt?: number;
}

/** Debts of a shard that are looked at. */
const A_SHARD = 50;

/** What is due and not paid, over all processes: a query a shard, half a read unit each while there is little. Eventually consistent. */
export async function ledgerBacklog(db: Db, kind: Debt['kind'], dueBefore: number): Promise<LedgerBacklog> {
  const before = String(dueBefore).padStart(14, '0');
  const shards = await Promise.all(
    Array.from({ length: LEDGER_SHARDS }, (_, shard) =>
      db.client.send(
        new QueryCommand({
          TableName: db.table('Starts'),
          KeyConditionExpression: '#shard = :shard AND DueAtID < :before',
          ExpressionAttributeNames: { '#shard': 'Shard' },
          ExpressionAttributeValues: { ':shard': compositeKey(kind, shard), ':before': before },
          ProjectionExpression: 'DueAtID',
          Limit: A_SHARD,
        }),
      ),
    ),
  );
  const due = shards.flatMap(({ Items = [] }) => Items.map((item) => Number((item['DueAtID'] as string).split('#')[0])));
  return { count: due.length, more: shards.some(({ LastEvaluatedKey }) => LastEvaluatedKey !== undefined), ...(due.length > 0 && { oldestDueAt: Math.min(...due) }) };
}

/** Dead letters of a stream, counted up to a limit; letters may be large, so a few. */
export async function deadLetterCount(db: Db, source: string, limit = 25): Promise<Bounded> {
  const { Count = 0, LastEvaluatedKey } = await db.client.send(
    new QueryCommand({
      TableName: db.table('DeadLetters'),
      KeyConditionExpression: '#source = :source',
      ExpressionAttributeNames: { '#source': 'Source' },
      ExpressionAttributeValues: { ':source': source },
      Select: 'COUNT',
      Limit: limit,
    }),
  );
  return { count: Count, more: LastEvaluatedKey !== undefined };
}
