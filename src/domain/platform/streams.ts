/** A shard of a Kinesis stream or of a table's stream. */
export interface StreamShard {
  shardId: string;
  /** The shards that it continues, two after a merge; their records must be read first. */
  parentIds: readonly string[];
}

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
