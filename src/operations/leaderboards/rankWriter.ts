import { defined } from '../../domain/defined';
import { boardSeason, type RankShard } from '../../domain/leaderboards/keys';
import {
  changed,
  type Drafts,
  newDrafts,
  type RankEntry,
  type Ranking,
  rankKinds,
} from '../../domain/leaderboards/ranking';
import { nodeIds, NodeGoneError, type NodeStore } from '../../stores/leaderboards/nodes';
import type { Head, RankStore } from '../../stores/leaderboards/ranks';
import type { TransactItem } from '../../stores/platform/outbox';

/** What the stream says about one shard of a season. */
export interface ShardChange {
  /** The last of each player; null: not ranked any more. */
  changes: Map<string, RankEntry | null>;
  /** When the newest of them was written (epoch ms). */
  asOf: number;
  /** The season's end was read. */
  isSealed: boolean;
  /** A check's mark was read. */
  mark?: string;
}

/** A version that was proposed; whether it became one shows when the head is read next. */
interface Proposal {
  version: number;
  attempt: string;
  created: readonly string[];
  dropped: readonly string[];
}

export interface RankWriterParts {
  ranks: RankStore;
  nodes: NodeStore;
  /** Nodes of a ranking are missing: it stands still until a check has built it anew. */
  onDamaged(shard: RankShard, error: unknown): void;
  onFault(error: unknown): void;
}

/**
 * Turns changes of scores into a ranking's next version. Nodes are written first, which nobody sees; the head that
 * makes them current goes into one transaction with the stream's checkpoint. A process that dies in between leaves
 * nodes behind that nothing refers to: the next check of the ranking removes them.
 */
export class RankWriter {
  private readonly proposals = new Map<string, Proposal>();

  constructor(private readonly parts: RankWriterParts) {}

  /** @returns what makes the new version current; empty when nothing changes. */
  async propose(shard: RankShard, head: Head, { changes, asOf, isSealed, mark }: ShardChange): Promise<TransactItem[]> {
    const { ranks, nodes } = this.parts;
    this.settle(shard, head);
    // Behind the end mark nothing comes that counts: the season's fences were down before it was written.
    if (head.isSealed || (changes.size === 0 && !isSealed && mark === undefined)) return [];
    const newId = nodeIds(Date.now());
    const { ranking, drafts } = await this.changed(shard, head, changes, newId);
    await nodes.write(shard, drafts);
    const attempt = newId();
    // What a season's last version leaves behind goes with the check that follows its end.
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
  ): Promise<{ ranking: Ranking; drafts: Drafts }> {
    const drafts = newDrafts(newId);
    try {
      return {
        ranking: await changed(rankKinds[shard.order], ranking, changes, this.parts.nodes.loads(shard), drafts),
        drafts,
      };
    } catch (error) {
      // The stream must go on for all other boards, and for the check: it reads the table, where nothing is missing.
      if (!(error instanceof NodeGoneError)) throw error;
      this.parts.onDamaged(shard, error);
      return { ranking, drafts: newDrafts(newId) };
    }
  }

  /** Removes, without waiting, what the proposal before has left behind, now that its fate is known. */
  private settle(shard: RankShard, head: Head): void {
    const name = boardSeason(shard);
    const before = this.proposals.get(name);
    // While the head is older than proposed, the proposal's transaction may still come through.
    if (!before || head.version < before.version) return;
    this.proposals.delete(name);
    // Whoever compares the ranking with the table walks all of its nodes, and removes what is left over afterwards.
    if (head.log !== undefined) return;
    const won = head.attempt === before.attempt;
    // Of a version that has been replaced meanwhile nothing is certain; what is left over goes with the next check.
    if (!won && head.version > before.version) return;
    void this.parts.nodes.remove(shard, won ? before.dropped : before.created).catch(this.parts.onFault);
  }
}
