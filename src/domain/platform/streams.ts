/** A shard of a Kinesis stream or of a table's stream. */
export interface StreamShard {
  shardId: string;
  /** The shards that it continues, two after a merge; their records must be read first. */
  parentIds: readonly string[];
}

/**
 * Returns the shards to read now: those that have not ended and whose parents have all ended. A parent that the service
 * no longer lists counts as ended.
 * @param ended whether each listed shard is read to its end, by shard id
 */
export const readableShards = (shards: readonly StreamShard[], ended: ReadonlyMap<string, boolean>): StreamShard[] =>
  shards.filter(({ shardId, parentIds }) => !ended.get(shardId) && parentIds.every((id) => ended.get(id) !== false));

/** The progress in reading a shard, which an activity reports with its heartbeats. */
export interface ShardProgress {
  /** Position of the last applied record; absent before the first record. */
  position?: string;
  /** Records read by this attempt, and its duration so far in seconds. */
  records: number;
  seconds: number;
  millisBehindLatest: number;
}

/** The result of one attempt at reading a shard. */
export interface ShardReport extends ShardProgress {
  /** Whether the shard is closed and read to its end. */
  ended: boolean;
  batches: number;
  /** Number of records by result. */
  counts: Record<string, number>;
}

/** The result of one attempt at redriving a stream's dead letters. */
export interface LettersReport {
  redriven: number;
  left: number;
  /** Position at which the next attempt continues; absent after the last dead letter. */
  cursor?: string;
}
