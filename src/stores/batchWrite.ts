import { BatchWriteCommand, type BatchWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../domain/errors';
import { inLanes } from '../domain/lanes';
import { THROTTLING } from '../domain/platform/backoff';
import { again, retry } from '../timing/retry';
import type { Db } from './dynamodb';

/** One put or delete of a BatchWriteItem. */
export type WriteRequest = NonNullable<BatchWriteCommandInput['RequestItems']>[string][number];

/** Maximum number of items in one BatchWriteItem. */
const LIMIT = 25;
/** Number of concurrent calls. */
const LANES = 8;
/** Under load DynamoDB leaves some items unprocessed. After this many attempts the caller must wait. */
const ATTEMPTS = 10;

/**
 * Puts and deletes any number of items of one table, without conditions. Keys must not repeat.
 * @throws LongwatchError `unavailable` when DynamoDB still leaves items unprocessed after 10 attempts. Some items may
 *   be written.
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
    new LongwatchError(
      'unavailable',
      `DynamoDB did not write ${left.length} items of ${table} in ${ATTEMPTS} attempts`,
    );
  await retry({ attempts: ATTEMPTS, backoff: THROTTLING, exhausted }, async () => {
    const { UnprocessedItems = {} } = await db.client.send(new BatchWriteCommand({ RequestItems: { [name]: left } }));
    left = UnprocessedItems[name] ?? [];
    return left.length === 0 ? undefined : again;
  });
}
