import type { StreamShard } from '../../domain/streams';

export interface RelayReport {
  started: number;
  rescored: number;
}

export interface ShardReport {
  /** The shard is closed and read to its end. */
  ended: boolean;
  /** Last position applied, absent before the first record. */
  position?: string;
  records: number;
  millisBehindLatest: number;
}

/** What the operations workflows may ask for. */
export interface OperationsActivities {
  /** Pays what is owed, again and again, for about an hour; heartbeats. */
  payDebts(): Promise<RelayReport>;
  /** The shards of a stream that are to be read now: not ended, and with no parent that is still being read. */
  openShards(stream: string): Promise<StreamShard[]>;
  /** Reads a shard from its checkpoint for about an hour or to its end; heartbeats its position. */
  consumeShard(stream: string, shardId: string): Promise<ShardReport>;
}
