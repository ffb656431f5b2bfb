import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeStreamSummaryCommand,
  type KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { putRecords, PUT_LIMIT } from '../../src/gateways/streams/kinesisProducer';
import { kinesisClient } from '../../src/gateways/streams/kinesisStream';
import { startKinesis } from '../../src/local/kinesis';
import { REGION } from './dynamodb';
import { eventually } from './stack';

export const STREAM = 'transactions-test';

export interface TestKinesis {
  endpoint: string;
  client: KinesisClient;
  /** For the environment of a Longwatch that reads the stream. */
  environment: Record<string, string>;
  /** Texts or bytes, in order, under their keys. */
  put(records: readonly { key: string; data: string | Uint8Array }[]): Promise<void>;
  /** Splits an open shard in two, or merges two neighbours into one; waits until that is done. */
  reshard(how: 'split' | 'merge'): Promise<void>;
  stop(): Promise<void>;
}

/** A Kinesis of its own with one stream, which keeps nothing. */
export async function startTestKinesis(shards = 1): Promise<TestKinesis> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-kinesis-'));
  const { endpoint, child } = await startKinesis({ dataDir, inMemory: true, streams: [{ name: STREAM, shards }] });
  const client = kinesisClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
  const openShards = async (): Promise<Shard[]> => {
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: STREAM }));
    return Shards.filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined);
  };
  return {
    endpoint,
    client,
    environment: { KINESIS_ENDPOINT: endpoint, LONGWATCH_TRANSACTIONS_STREAM: STREAM },
    async put(records) {
      for (let i = 0; i < records.length; i += PUT_LIMIT)
        await putRecords(
          client,
          STREAM,
          records.slice(i, i + PUT_LIMIT).map(({ key, data }) => ({ key, data: Buffer.from(data) })),
        );
    },
    async reshard(how) {
      const open = (await openShards()).sort((a, b) =>
        Number(BigInt(a.HashKeyRange!.StartingHashKey!) - BigInt(b.HashKeyRange!.StartingHashKey!)),
      );
      const [first, second] = open;
      if (how === 'merge' && second)
        await client.send(
          new MergeShardsCommand({
            StreamName: STREAM,
            ShardToMerge: first!.ShardId,
            AdjacentShardToMerge: second.ShardId,
          }),
        );
      else {
        const { StartingHashKey, EndingHashKey } = first!.HashKeyRange!;
        const middle = (BigInt(StartingHashKey!) + BigInt(EndingHashKey!)) / 2n;
        await client.send(
          new SplitShardCommand({
            StreamName: STREAM,
            ShardToSplit: first!.ShardId,
            NewStartingHashKey: middle.toString(),
          }),
        );
      }
      await eventually(
        () => client.send(new DescribeStreamSummaryCommand({ StreamName: STREAM })),
        ({ StreamDescriptionSummary }) => StreamDescriptionSummary?.StreamStatus === 'ACTIVE',
      );
    },
    async stop() {
      client.destroy();
      await child.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
