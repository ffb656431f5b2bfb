/** A shard of a stream, of Kinesis or of a table. */
export interface StreamShard {
  shardId: string;
  /** The shards that it continues, two after a merge; their records come first. */
  parentIds: readonly string[];
}

/** How far the reading of a shard has come; what an attempt heartbeats. */
export interface ShardProgress {
  /** Last position applied, absent before the first record. */
  position?: string;
  /** Records read by this attempt, and how long it took so far. */
  records: number;
  seconds: number;
  millisBehindLatest: number;
}

/** What one attempt at a shard did. */
export interface ShardReport extends ShardProgress {
  /** The shard is closed and read to its end. */
  ended: boolean;
  batches: number;
  /** Records by what became of them. */
  counts: Record<string, number>;
}

/** What one attempt at a stream's dead letters did. */
export interface LettersReport {
  redriven: number;
  left: number;
  /** Where the next attempt goes on; absent when all were tried. */
  cursor?: string;
}
