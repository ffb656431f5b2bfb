import type { LastLook, LookMode } from '../../domain/reconciliation';
import type { StreamShard } from '../../domain/streams';

export interface RelayReport {
  started: number;
  rescored: number;
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

/** What the looks of about an hour did. */
export interface ReconcilerReport {
  looks: number;
  /** Workflows that were started again, by type. */
  restarted: Record<string, number>;
}

/** What the operations workflows may ask for. */
export interface OperationsActivities {
  /** Looks for workflows that ended badly, every few minutes for about an hour; heartbeats. */
  keepReconciled(): Promise<ReconcilerReport>;
  /** One look; heartbeats how far it has come. */
  reconcile(mode: LookMode): Promise<LastLook>;
  /** Pays what is owed, again and again, for about an hour; heartbeats. */
  payDebts(): Promise<RelayReport>;
  /** The shards of a stream that are to be read now: not ended, and with no parent that is still being read. */
  openShards(stream: string): Promise<StreamShard[]>;
  /** Reads a shard from its checkpoint for so long (default an hour) or to its end; heartbeats how far it has come. */
  consumeShard(stream: string, shardId: string, forMs?: number): Promise<ShardReport>;
  /** Handles a stream's dead letters once more, those after the cursor, for about an hour; heartbeats. */
  redriveLetters(stream: string, cursor?: string): Promise<LettersReport>;
}
