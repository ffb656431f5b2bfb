import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  type _Record,
  type AttributeValue,
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  TrimmedDataAccessException,
} from '@aws-sdk/client-dynamodb-streams';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { defined } from '../../domain/defined';
import { awsHttp } from '../aws/http';
import type { StreamShard } from '../../domain/platform/streams';
import { type CallWatch, watchedClient } from '../../telemetry/calls';
import { type Batch, type RecordSource, type ShardPosition, type StreamRecord, TrimmedError } from './source';

/** A change of an item: its image before (absent for a new item) and after (absent for a deleted item). */
export interface ItemChange {
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
}

/** Returns a DynamoDB Streams client with timeouts and metrics. */
export function streamsClient({
  watch,
  ...settings
}: NonNullable<ConstructorParameters<typeof DynamoDBStreamsClient>[0]> & { watch?: CallWatch }): DynamoDBStreamsClient {
  return watchedClient(
    new DynamoDBStreamsClient({ maxAttempts: 3, requestHandler: awsHttp({ silentMs: 10_000 }), ...settings }),
    'dynamodb-streams',
    watch,
  );
}

/**
 * The stream of a table, found by the table's name. DynamoDB keeps its records for 24 hours and refuses older
 * positions.
 */
export class TableStream implements RecordSource<ItemChange> {
  /** DynamoDB allows five reads per second and shard. */
  readonly readEveryMs = 200;
  private arn: string | undefined;

  constructor(
    private readonly tables: DynamoDBClient,
    private readonly streams: DynamoDBStreamsClient,
    private readonly tableName: string,
  ) {}

  async listShards(): Promise<StreamShard[]> {
    const StreamArn = await this.streamArn();
    const shards: StreamShard[] = [];
    let ExclusiveStartShardId: string | undefined;
    do {
      const { StreamDescription } = await this.streams.send(
        new DescribeStreamCommand({ StreamArn, ...(ExclusiveStartShardId && { ExclusiveStartShardId }) }),
      );
      for (const { ShardId, ParentShardId } of StreamDescription?.Shards ?? [])
        if (ShardId) shards.push({ shardId: ShardId, parentIds: ParentShardId ? [ParentShardId] : [] });
      ExclusiveStartShardId = StreamDescription?.LastEvaluatedShardId;
    } while (ExclusiveStartShardId);
    return shards;
  }

  shardName(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  async iterator(shardId: string, from: ShardPosition | undefined): Promise<string> {
    try {
      const { ShardIterator } = await this.streams.send(
        new GetShardIteratorCommand({
          StreamArn: await this.streamArn(),
          ShardId: shardId,
          ...(from === undefined
            ? { ShardIteratorType: 'TRIM_HORIZON' as const }
            : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const, SequenceNumber: from.after }),
        }),
      );
      if (!ShardIterator) throw new TrimmedError(`Shard ${shardId} gives no iterator`);
      return ShardIterator;
    } catch (error) {
      throw trimmed(error, shardId);
    }
  }

  async read(iterator: string, limit: number): Promise<Batch<ItemChange> | undefined> {
    try {
      const { Records = [], NextShardIterator } = await this.streams.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: limit }),
      );
      return { records: Records.map(change), ...(NextShardIterator && { next: NextShardIterator }) };
    } catch (error) {
      // An iterator expires after 15 minutes; the caller gets a new one.
      if (error instanceof ExpiredIteratorException) return undefined;
      throw trimmed(error, 'read');
    }
  }

  toBytes(data: ItemChange): Uint8Array {
    return Buffer.from(JSON.stringify(data));
  }

  fromBytes(bytes: Uint8Array): ItemChange {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as ItemChange;
  }

  private async streamArn(): Promise<string> {
    if (this.arn === undefined) {
      const { Table } = await this.tables.send(new DescribeTableCommand({ TableName: this.tableName }));
      if (!Table?.LatestStreamArn) throw new Error(`Table ${this.tableName} has no stream; create it with one`);
      this.arn = Table.LatestStreamArn;
    }
    return this.arn;
  }
}

function trimmed(error: unknown, where: string): unknown {
  return error instanceof TrimmedDataAccessException
    ? new TrimmedError(`The position in ${where} is trimmed`, { cause: error })
    : error;
}

function change({ dynamodb }: _Record): StreamRecord<ItemChange> {
  const image = (attributes: Record<string, unknown> | undefined) =>
    attributes && unmarshall(attributes as Record<string, AttributeValue>);
  const [before, after] = [image(dynamodb?.OldImage), image(dynamodb?.NewImage)];
  return {
    position: dynamodb?.SequenceNumber ?? '',
    arrivedAt: dynamodb?.ApproximateCreationDateTime?.getTime() ?? 0,
    data: defined({ before, after }),
  };
}
