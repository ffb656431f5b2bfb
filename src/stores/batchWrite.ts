import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWriteCommand, type BatchWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Db } from './dynamodb';
import type { TableName } from './tables';

export type WriteRequest = NonNullable<NonNullable<BatchWriteCommandInput['RequestItems']>[string]>[number];

/** BatchWriteItem takes this many items. */
const LIMIT = 25;
const PARALLEL = 8;

/** Puts and deletes items without conditions, any number of them, in any order. Keys must not repeat. */
export async function batchWrite(db: Db, table: TableName, requests: readonly WriteRequest[]): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let from = (next++) * LIMIT; from < requests.length; from = (next++) * LIMIT) await page(db, table, requests.slice(from, from + LIMIT));
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, Math.ceil(requests.length / LIMIT)) }, lane));
}

async function page(db: Db, table: TableName, requests: WriteRequest[]): Promise<void> {
  let RequestItems: NonNullable<BatchWriteCommandInput['RequestItems']> = { [db.table(table)]: requests };
  // DynamoDB may leave items unprocessed under load; the client's own time limit bounds each call.
  for (let tries = 0; Object.keys(RequestItems).length > 0; tries++) {
    if (tries > 0) await sleep(Math.random() * Math.min(10 * 2 ** tries, 1_000));
    const { UnprocessedItems = {} } = await db.client.send(new BatchWriteCommand({ RequestItems }));
    RequestItems = UnprocessedItems;
  }
}
