/** A shard of a stream, of Kinesis or of a table. */
export interface StreamShard {
  shardId: string;
  /** The shard that it continues; its records come first. */
  parentId?: string;
}
