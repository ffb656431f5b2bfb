import type { RelayReport } from '../../domain/platform/outbox';
import type { ReconciliationReport, ReconciliationMode, ReconcilerReport } from '../../domain/platform/reconciliation';
import type { LettersReport, ShardReport, StreamShard } from '../../domain/platform/streams';

/** The activities of the platform's workflows. */
export interface PlatformActivities {
  /** Makes a quick reconciliation every few minutes for about an hour; heartbeats. */
  keepReconciled(): Promise<ReconcilerReport>;
  /** Makes one reconciliation; heartbeats its progress. */
  reconcile(mode: ReconciliationMode): Promise<ReconciliationReport>;
  /** Dispatches due outbox entries for about an hour; heartbeats. */
  payDebts(): Promise<RelayReport>;
  /** Returns the shards to read now: those that are not read to their end and whose parents are. */
  openShards(stream: string): Promise<StreamShard[]>;
  /** Reads a shard from its checkpoint for `forMs` (default an hour) or to its end; heartbeats its progress. */
  consumeShard(stream: string, shardId: string, forMs?: number): Promise<ShardReport>;
  /** Redrives a stream's dead letters after the cursor, for about an hour; heartbeats. */
  redriveLetters(stream: string, cursor?: string): Promise<LettersReport>;
}
