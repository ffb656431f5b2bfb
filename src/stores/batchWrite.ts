import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Db } from './dynamodb';
import type { TableName } from './tables';

export type WriteRequest = NonNullable<NonNullable<ConstructorParameters<typeof BatchWriteCommand>[0]['RequestItems']>[string]>[number];

/** BatchWriteItem takes 25 items. */
const LIMIT = 25;
const LANES = 8;

/**
 * Puts or deletes any number of items of one table, without conditions; all are written when it returns. Keys must not
 * repeat. Twice is once.
 */
export async function batchWrite(db: Db, table: TableName, requests: readonly WriteRequest[], abortSignal?: AbortSignal): Promise<void> {
  const TableName = db.table(table);
  const options = { ...(abortSignal && { abortSignal }) };
  let next = 0;
  const lane = async () => {
    while (next < requests.length) {
      let left: WriteRequest[] | undefined = requests.slice(next, (next += LIMIT));
      // DynamoDB may leave some unprocessed under load; the caller's deadline bounds this loop.
      for (let tries = 0; left && left.length > 0; tries++) {
        if (tries > 0) await sleep(Math.random() * Math.min(25 * 2 ** tries, 2_000), undefined, abortSignal && { signal: abortSignal });
        const { UnprocessedItems } = await db.client.send(new BatchWriteCommand({ RequestItems: { [TableName]: left } }), options);
        left = UnprocessedItems?.[TableName] as WriteRequest[] | undefined;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, Math.ceil(requests.length / LIMIT)) }, lane));
}
