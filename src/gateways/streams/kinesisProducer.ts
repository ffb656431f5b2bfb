import { setTimeout as sleep } from 'node:timers/promises';
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { LongwatchError } from '../../domain/errors';

export interface OutgoingRecord {
  /** Partition key: records of one key go to one shard. */
  key: string;
  data: Uint8Array;
}

/** PutRecords takes this many records. */
export const PUT_LIMIT = 500;
const MAX_TRIES = 10;

/**
 * Puts records, at most `PUT_LIMIT`, each at least once. A record that its shard refuses for the moment is put again,
 * then behind those of its key that the shard took: a consumer sees a late arrival.
 * @throws LongwatchError `unavailable` when the stream keeps refusing.
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
