import type { StreamShard } from '../../domain/platform/streams';

export interface StreamRecord<T> {
  /** Sequence number: where a consumer goes on after this record. */
  position: string;
  /** Epoch ms, as the stream took it; approximate. */
  arrivedAt: number;
  data: T;
}

export interface Batch<T> {
  records: StreamRecord<T>[];
  /** Absent at the end of a closed shard. */
  next?: string;
  /** Milliseconds from the newest record of the batch to the newest of the shard, where the stream says. */
  behindMs?: number;
}

/** Where a consumer stands in a shard. */
export interface ShardPosition {
  /** Sequence number of the last record whose effects are written. */
  after: string;
  /** Everything that the stream took before this instant (epoch ms) is read. */
  caughtUpAt: number;
}

/** The position lies before what the stream still keeps. */
export class TrimmedError extends Error {
  override readonly name = 'TrimmedError';
}

/** A stream as the consumer sees it, Kinesis or a table's. */
export interface RecordSource<T> {
  /** Milliseconds between two reads of one shard, so that a caller stays within the stream's limits. */
  readonly readEveryMs: number;
  listShards(): Promise<StreamShard[]>;
  /** How a shard goes in `listShards`, by the id that the service gives it. */
  shardName(id: string): Promise<string>;
  /** An iterator just after a position, or at the oldest record. @throws TrimmedError */
  iterator(shardId: string, from: ShardPosition | undefined): Promise<string>;
  /** @throws TrimmedError; undefined when the iterator expired and a new one is needed. */
  read(iterator: string, limit: number): Promise<Batch<T> | undefined>;
  /** A record's data as bytes, for those that must be kept aside, and back. */
  toBytes(data: T): Uint8Array;
  fromBytes(bytes: Uint8Array): T;
}
