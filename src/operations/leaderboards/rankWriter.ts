import { defined } from '../../domain/defined';
import { boardSeason, type RankShard } from '../../domain/leaderboards/rankShards';
import {
  changed,
  type NewNodes,
  emptyNewNodes,
  type RankEntry,
  type Ranking,
  rankKinds,
} from '../../domain/leaderboards/ranking';
import { nodeIds, NodeGoneError, type NodeStore } from '../../stores/leaderboards/nodes';
import type { Head, RankStore } from '../../stores/leaderboards/ranks';
import type { TransactItem } from '../../stores/platform/outbox';
import { type Clock, systemClock } from '../../timing/clock';

/** The changes of one season shard in a batch of the stream. */
export interface ShardChange {
  /** The last entry of each player; null if the player is no longer ranked. */
  changes: Map<string, RankEntry | null>;
  /** When the newest change was written (epoch ms). */
  asOf: number;
  /** Whether the batch contains the season's end marker. */
  isSealed: boolean;
  /** The marker of a rank check, if the batch contains one. */
  mark?: string;
}

/** A proposed version. The next read of the head shows whether it became current. */
interface Proposal {
  version: number;
  attempt: string;
  created: readonly string[];
  dropped: readonly string[];
}

/** The parts that {@link RankWriter} needs. */
export interface RankWriterParts {
  ranks: RankStore;
  nodes: NodeStore;
  /** Called if nodes of a ranking are missing. The ranking then stays unchanged until a check has rebuilt it. */
  onDamaged(shard: RankShard, error: unknown): void;
  onFault(error: unknown): void;
  clock?: Clock;
}

/**
 * Computes a ranking's next version from changes of scores. Writes the nodes first, where no reader sees them. The head
 * that makes them current is written in one transaction with the stream's checkpoint. If a process crashes in between,
 * its nodes are unreferenced, and the next check of the ranking removes them.
 */
export class RankWriter {
  private readonly proposals = new Map<string, Proposal>();

  constructor(private readonly parts: RankWriterParts) {}

  /**
   * Writes the nodes of the next version.
   * @returns the items that make the version current; empty if nothing changes
   */
  async propose(shard: RankShard, head: Head, { changes, asOf, isSealed, mark }: ShardChange): Promise<TransactItem[]> {
    const { ranks, nodes, clock = systemClock } = this.parts;
    this.removeLeftovers(shard, head);
    // No score counts after the end marker. The season was closed for writes before the marker was written.
    if (head.isSealed || (changes.size === 0 && !isSealed && mark === undefined)) return [];
    const newId = nodeIds(clock.now());
    const { ranking, drafts } = await this.changed(shard, head, changes, newId);
    await nodes.write(shard, drafts);
    const attempt = newId();
    // The check that follows a season's end removes the leftovers of the last version.
    if (!isSealed)
      this.proposals.set(boardSeason(shard), {
        version: head.version + 1,
        attempt,
        created: [...drafts.ranks.created.keys(), ...drafts.players.created.keys()],
        dropped: [...drafts.ranks.dropped, ...drafts.players.dropped],
      });
    return [
      ranks.advance(shard, head, {
        ranking,
        attempt,
        asOf: Math.max(head.asOf, asOf),
        isSealed,
        ...defined({ mark }),
      }),
      ...(head.log === undefined ? [] : [ranks.note(shard, head.log, head.version + 1, changes)]),
    ];
  }

  private async changed(
    shard: RankShard,
    { ranking }: Head,
    changes: ShardChange['changes'],
    newId: () => string,
  ): Promise<{ ranking: Ranking; drafts: NewNodes }> {
    const drafts = emptyNewNodes(newId);
    try {
      return {
        ranking: await changed(rankKinds[shard.order], ranking, changes, this.parts.nodes.loads(shard), drafts),
        drafts,
      };
    } catch (error) {
      // Continue, because the stream also serves the other boards and the check. The check reads the table, where
      // nothing is missing.
      if (!(error instanceof NodeGoneError)) throw error;
      this.parts.onDamaged(shard, error);
      return { ranking, drafts: emptyNewNodes(newId) };
    }
  }

  /** Removes the unneeded nodes of the previous proposal in the background, if its outcome is known. */
  private removeLeftovers(shard: RankShard, head: Head): void {
    const name = boardSeason(shard);
    const before = this.proposals.get(name);
    // While the head is older than the proposal, its transaction may still be written.
    if (!before || head.version < before.version) return;
    this.proposals.delete(name);
    // A running check walks all nodes, and removes the leftovers afterwards.
    if (head.log !== undefined) return;
    const won = head.attempt === before.attempt;
    // If the version was replaced meanwhile, the outcome is unknown. The next check removes the leftovers.
    if (!won && head.version > before.version) return;
    void this.parts.nodes.remove(shard, won ? before.dropped : before.created).catch(this.parts.onFault);
  }
}
