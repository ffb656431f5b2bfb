import type { StreamShard } from '../../domain/platform/streams';

/** A record of a stream. */
export interface StreamRecord<T> {
  /** Sequence number. A consumer continues after this position. */
  position: string;
  /** Approximate time at which the stream accepted the record, epoch ms. */
  arrivedAt: number;
  data: T;
}

/** The result of one read. */
export interface Batch<T> {
  records: StreamRecord<T>[];
  /** Iterator of the next read; absent at the end of a closed shard. */
  next?: string;
  /** Milliseconds by which this batch is behind the newest record of the shard, if the stream reports it. */
  behindMs?: number;
}

/** A consumer's position in a shard. */
export interface ShardPosition {
  /** Sequence number of the last record whose effects are written. */
  after: string;
  /** All records that the stream accepted before this time (epoch ms) have been read. */
  caughtUpAt: number;
}

/** The position is older than the stream's retention, so records are lost. */
export class TrimmedError extends Error {
  override readonly name = 'TrimmedError';
}

/** A stream for a consumer: Kinesis or the stream of a table. */
export interface RecordSource<T> {
  /** Minimum time between two reads of one shard, in milliseconds, set by the stream's limits. */
  readonly readEveryMs: number;
  /** Returns the shards that the stream still keeps, with their parents. */
  listShards(): Promise<StreamShard[]>;
  /** Converts the service's shard id to the name that `listShards` uses. */
  shardName(id: string): Promise<string>;
  /** Returns an iterator that begins after a position, or at the oldest record without one. @throws TrimmedError */
  iterator(shardId: string, from: ShardPosition | undefined): Promise<string>;
  /**
   * Reads the next records. Returns undefined if the iterator has expired; the caller then gets a new one.
   * @throws TrimmedError
   */
  read(iterator: string, limit: number): Promise<Batch<T> | undefined>;
  /** Converts a record's data to bytes for a dead letter; `fromBytes` is the inverse. */
  toBytes(data: T): Uint8Array;
  fromBytes(bytes: Uint8Array): T;
}
