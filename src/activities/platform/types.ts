import type { RelayReport } from '../../domain/platform/outbox';
import type { LastLook, LookMode, ReconcilerReport } from '../../domain/platform/reconciliation';
import type { LettersReport, ShardReport, StreamShard } from '../../domain/platform/streams';

/** What the operations workflows may ask for. */
export interface PlatformActivities {
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
