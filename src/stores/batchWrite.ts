import { BatchWriteCommand, type BatchWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../domain/errors';
import { inLanes } from '../domain/lanes';
import { THROTTLING } from '../domain/platform/backoff';
import { again, retry } from '../timing/retry';
import type { Db } from './dynamodb';

export type WriteRequest = NonNullable<BatchWriteCommandInput['RequestItems']>[string][number];

/** BatchWriteItem takes this many items. */
const LIMIT = 25;
const LANES = 8;
/** Under load DynamoDB leaves items over; after so many attempts in a row that is for the caller to wait out. */
const ATTEMPTS = 10;

/**
 * Puts and deletes of one table, any number of them, without conditions. Keys must not repeat.
 * @throws LongwatchError `unavailable` when items are left over again and again.
 */
export async function batchWrite(db: Db, table: string, requests: readonly WriteRequest[]): Promise<void> {
  const batches: WriteRequest[][] = [];
  for (let i = 0; i < requests.length; i += LIMIT) batches.push(requests.slice(i, i + LIMIT));
  await inLanes(batches, LANES, (batch) => writeAll(db, table, batch));
}

async function writeAll(db: Db, table: string, batch: WriteRequest[]): Promise<void> {
  const name = db.table(table);
  let left: WriteRequest[] = batch;
  const exhausted = () =>
    new LongwatchError('unavailable', `DynamoDB left ${left.length} items of ${table} unwritten ${ATTEMPTS} times`);
  await retry({ attempts: ATTEMPTS, backoff: THROTTLING, exhausted }, async () => {
    const { UnprocessedItems = {} } = await db.client.send(new BatchWriteCommand({ RequestItems: { [name]: left } }));
    left = UnprocessedItems[name] ?? [];
    return left.length === 0 ? undefined : again;
  });
}
