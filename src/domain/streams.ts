/** A shard of a stream, of Kinesis or of a table. */
export interface StreamShard {
  shardId: string;
  /** The shards that it continues, two after a merge; their records come first. */
  parentIds: readonly string[];
}
