import {
  DescribeStreamSummaryCommand,
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  InvalidArgumentException,
  KinesisClient,
  ListShardsCommand,
  ProvisionedThroughputExceededException,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis';
import { defined } from '../../domain/defined';
import { awsHttp } from '../aws/http';
import { LongwatchError } from '../../domain/errors';
import type { StreamShard } from '../../domain/platform/streams';
import { type CallWatch, watchedClient } from '../../telemetry/calls';
import { type Batch, type RecordSource, type ShardPosition, TrimmedError } from './source';
import { type Clock, systemClock } from '../../timing/clock';

/**
 * Returns a Kinesis client with HTTP/1.1 and keep-alive. The SDK's default for Kinesis is HTTP/2, which local servers
 * do not support.
 */
export function kinesisClient(settings: {
  region: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  watch?: CallWatch;
}): KinesisClient {
  const { watch, ...client } = settings;
  const kinesis = new KinesisClient({
    ...client,
    maxAttempts: 3,
    requestHandler: awsHttp({ silentMs: 10_000 }),
  });
  return watchedClient(kinesis, 'kinesis', watch);
}

interface Summary {
  /** Creation time of the stream, as used in the shards' names. */
  made: string;
  retentionMs: number;
}

/**
 * A Kinesis data stream. Its shards are named `<shard id>@<creation time of the stream>`. A stream that is deleted and
 * created again reuses the shard ids, but the old positions are not valid for the new shards.
 */
export class KinesisStream implements RecordSource<Uint8Array> {
  /** Kinesis allows five reads per second and shard. */
  readonly readEveryMs = 200;
  private summary: Summary | undefined;

  constructor(
    private readonly client: KinesisClient,
    private readonly streamName: string,
    private readonly clock: Clock = systemClock,
  ) {}

  async listShards(): Promise<StreamShard[]> {
    const { made } = await this.describe();
    const named = (id: string) => `${id}@${made}`;
    const shards: StreamShard[] = [];
    let NextToken: string | undefined;
    do {
      // The token of a page implies the stream's name; Kinesis refuses a request with both.
      const page = await this.client.send(
        new ListShardsCommand(NextToken ? { NextToken } : { StreamName: this.streamName }),
      );
      for (const { ShardId, ParentShardId, AdjacentParentShardId } of page.Shards ?? [])
        if (ShardId)
          shards.push({
            shardId: named(ShardId),
            parentIds: [ParentShardId, AdjacentParentShardId].flatMap((id) => (id ? [named(id)] : [])),
          });
      NextToken = page.NextToken;
    } while (NextToken);
    return shards;
  }

  async shardName(id: string): Promise<string> {
    const { made } = this.summary ?? (await this.describe());
    return `${id}@${made}`;
  }

  async iterator(shardId: string, from: ShardPosition | undefined): Promise<string> {
    const { retentionMs } = this.summary ?? (await this.describe());
    // Kinesis does not report a trimmed position. It silently continues with the oldest record that is left.
    if (from && from.caughtUpAt < this.clock.now() - retentionMs)
      throw new TrimmedError(`Shard ${shardId} was last read to its end before the stream’s retention began`);
    try {
      const { ShardIterator } = await this.client.send(
        new GetShardIteratorCommand({
          StreamName: this.streamName,
          ShardId: shardId.replace(/@.*$/, ''),
          ...(from === undefined
            ? { ShardIteratorType: 'TRIM_HORIZON' as const }
            : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const, StartingSequenceNumber: from.after }),
        }),
      );
      if (!ShardIterator) throw new TrimmedError(`Shard ${shardId} gives no iterator`);
      return ShardIterator;
    } catch (error) {
      if (error instanceof InvalidArgumentException && from)
        throw new TrimmedError(`Shard ${shardId} does not know its position`, { cause: error });
      throw error;
    }
  }

  async read(iterator: string, limit: number): Promise<Batch<Uint8Array> | undefined> {
    try {
      const {
        Records = [],
        NextShardIterator,
        MillisBehindLatest,
      } = await this.client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: limit }));
      return {
        records: Records.map(({ SequenceNumber, ApproximateArrivalTimestamp, Data }) => ({
          position: SequenceNumber ?? '',
          arrivedAt: ApproximateArrivalTimestamp?.getTime() ?? 0,
          data: Data ?? new Uint8Array(),
        })),
        ...(NextShardIterator && { next: NextShardIterator }),
        ...defined({ behindMs: MillisBehindLatest }),
      };
    } catch (error) {
      // An iterator expires after five minutes without a read; the caller gets a new one.
      if (error instanceof ExpiredIteratorException) return undefined;
      // Another reader of the shard uses up its read limit. The caller repeats the same read later.
      if (error instanceof ProvisionedThroughputExceededException) return { records: [], next: iterator };
      throw error;
    }
  }

  toBytes(data: Uint8Array): Uint8Array {
    return data;
  }

  fromBytes(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  private async describe(): Promise<Summary> {
    try {
      const { StreamDescriptionSummary: found } = await this.client.send(
        new DescribeStreamSummaryCommand({ StreamName: this.streamName }),
      );
      const made = (found?.StreamCreationTimestamp ?? new Date(0)).toISOString().replace(/[-:]|\.\d+/g, '');
      this.summary = { made, retentionMs: (found?.RetentionPeriodHours ?? 24) * 3_600_000 };
      return this.summary;
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      throw new LongwatchError(
        'unavailable',
        `The Kinesis stream ${this.streamName} does not exist. Create it, or set another stream in the configuration`,
        { cause: error },
      );
    }
  }
}
