import { setTimeout as sleep } from 'node:timers/promises';
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { LongwatchError } from '../../domain/errors';

/** A record to put on a stream. */
export interface OutgoingRecord {
  /** Partition key. Records with the same key go to the same shard. */
  key: string;
  data: Uint8Array;
}

/** Maximum number of records in a PutRecords call. */
export const PUT_LIMIT = 500;
const MAX_TRIES = 10;

/**
 * Puts at most `PUT_LIMIT` records, each at least once. A record that its shard throttles is retried. It may then
 * follow later records of the same key, so a consumer can see it out of order.
 * @throws LongwatchError `unavailable` if the stream still refuses records after 10 attempts
 */
export async function putRecords(
  client: KinesisClient,
  streamName: string,
  records: readonly OutgoingRecord[],
): Promise<void> {
  let left = records;
  for (let tries = 1; left.length > 0; tries++) {
    const { Records = [] } = await client.send(
      new PutRecordsCommand({
        StreamName: streamName,
        Records: left.map(({ key, data }) => ({ PartitionKey: key, Data: data })),
      }),
    );
    const refusal = Records.find(({ ErrorCode }) => ErrorCode !== undefined);
    if (!refusal) return;
    if (tries === MAX_TRIES)
      throw new LongwatchError(
        'unavailable',
        `The stream ${streamName} keeps refusing records: ${refusal.ErrorMessage ?? refusal.ErrorCode}`,
      );
    left = left.filter((_, i) => Records[i]?.ErrorCode !== undefined);
    await sleep(Math.random() * Math.min(50 * 2 ** tries, 5_000));
  }
}
