import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWriteCommand, type BatchWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../domain/errors';
import { inLanes } from '../domain/lanes';
import type { Db } from './dynamodb';

export type WriteRequest = NonNullable<BatchWriteCommandInput['RequestItems']>[string][number];

/** BatchWriteItem takes this many items. */
const LIMIT = 25;
const LANES = 8;
/** Under load DynamoDB leaves items over; after so many tries in a row that is for the caller to wait out. */
const TRIES = 10;

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
  for (let tries = 1; ; tries++) {
    const { UnprocessedItems = {} } = await db.client.send(new BatchWriteCommand({ RequestItems: { [name]: left } }));
    left = UnprocessedItems[name] ?? [];
    if (left.length === 0) return;
    if (tries === TRIES)
      throw new LongwatchError(
        'unavailable',
        `DynamoDB left ${left.length} items of ${table} unwritten ${TRIES} times`,
      );
    await sleep(Math.random() * Math.min(25 * 2 ** tries, 5_000));
  }
}
