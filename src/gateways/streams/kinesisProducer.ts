import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { LongwatchError } from '../../domain/errors';
import { THROTTLING } from '../../domain/platform/backoff';
import { againAfter, retry } from '../../timing/retry';

/** A record to put on a stream. */
export interface OutgoingRecord {
  /** Partition key. Records with the same key go to the same shard. */
  key: string;
  data: Uint8Array;
}

/** Maximum number of records in a PutRecords call. */
export const PUT_LIMIT = 500;
const ATTEMPTS = 10;

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
  if (left.length === 0) return;
  const exhausted = (refusal: unknown) =>
    new LongwatchError(
      'unavailable',
      `The stream ${streamName} still refuses records after ${ATTEMPTS} attempts: ${refusal}`,
    );
  await retry({ attempts: ATTEMPTS, backoff: THROTTLING, exhausted }, async () => {
    const { Records = [] } = await client.send(
      new PutRecordsCommand({
        StreamName: streamName,
        Records: left.map(({ key, data }) => ({ PartitionKey: key, Data: data })),
      }),
    );
    const refusal = Records.find(({ ErrorCode }) => ErrorCode !== undefined);
    if (!refusal) return undefined;
    left = left.filter((_, i) => Records[i]?.ErrorCode !== undefined);
    return againAfter(refusal.ErrorMessage ?? refusal.ErrorCode);
  });
}
