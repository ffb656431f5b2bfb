import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import { boardSeason, type RankShard } from '../../domain/leaderboards/rankShards';
import {
  changed,
  emptyNewNodes,
  playerEntry,
  playerKind,
  type RankEntry,
  type Ranking,
  rankKinds,
} from '../../domain/leaderboards/ranking';
import { type Draft, edited, type Load, type Ref, type TreeKind } from '../../domain/leaderboards/tree';
import { BrokenTreeError, walk } from '../../domain/leaderboards/treeReads';
import { madeAt, nodeIds, NodeGoneError, type NodeStore } from '../../stores/leaderboards/nodes';
import type { Head, RankStore } from '../../stores/leaderboards/ranks';
import type { ScoreStore } from '../../stores/leaderboards/scores';
import { againAtOnce, retry } from '../../timing/retry';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link RankCheck} needs. */
export interface RankCheckParts {
  ranks: RankStore;
  nodes: NodeStore;
  scores: Pick<ScoreStore, 'ranked' | 'markCheck'>;
  clock?: Clock;
}

/** The result of checking a shard. */
export interface CheckedShard {
  players: number;
  /** Number of wrong players: missing, superfluous, or in another place than their score requires. */
  differences: number;
  /** Whether the ranking was replaced. */
  replaced: boolean;
}

/** Minimum age of an unreferenced node before it is removed, because a change in progress may have created it. */
const LEFTOVER_MS = 15 * 60_000;
const ATTEMPTS = 50;
/** Pause between two polls of the ranking's head. */
const LOOK_MS = 200;

/**
 * Compares a shard's ranking with its table, exactly, while both change. From before the table is read, every change of
 * the ranking is also recorded in a log. After reading, the check writes a marker into the table. Once the stream
 * reader has passed the marker, the log brings the data that was read to the version of the ranking with which it is
 * compared. If they differ, or on request, the check builds a new ranking from the table. The old one serves reads
 * until the new one has caught up.
 */
export class RankCheck {
  private readonly clock: Clock;

  constructor(private readonly parts: RankCheckParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Checks a shard.
   * @param rebuild whether to replace the ranking even if it is correct
   * @throws LongwatchError `contention` if another check of the shard runs
   */
  async run(shard: RankShard, rebuild: boolean, progress: () => void): Promise<CheckedShard> {
    const { ranks, scores } = this.parts;
    const newId = nodeIds(this.clock.now());
    const log = newId();
    const tableRanking = new TableRanking(ranks, shard, log, await ranks.startLog(shard, log));
    await ranks.clearLogs(shard, log);
    for await (const entries of scores.ranked(shard)) {
      tableRanking.read(entries);
      progress();
    }
    await this.awaitReader(shard, log, progress);
    const head = await tableRanking.catchUp();
    const differences = await this.compare(shard, head, tableRanking.players, progress);
    const replaced = rebuild || differences > 0;
    if (replaced) await this.replace(shard, tableRanking, newId, progress);
    else await this.endLog(shard, log);
    await ranks.clearLogs(shard);
    await this.sweep(shard, progress);
    return { players: tableRanking.players.size, differences, replaced };
  }

  /**
   * Waits until the stream reader has applied everything that was read from the table. Not needed after the season's
   * end marker: the reader has already passed it.
   */
  private async awaitReader(shard: RankShard, mark: string, progress: () => void): Promise<void> {
    await this.parts.scores.markCheck(shard, mark);
    for (;;) {
      const head = await this.parts.ranks.head(shard);
      if (head.isSealed || head.mark === mark) return;
      if (head.log !== mark)
        throw new LongwatchError('contention', `Another check of ${boardSeason(shard)} is running`);
      progress();
      await this.clock.sleep(LOOK_MS);
    }
  }

  private async compare(
    shard: RankShard,
    { ranking }: Head,
    players: ReadonlyMap<string, RankEntry>,
    progress: () => void,
  ): Promise<number> {
    const kind = rankKinds[shard.order];
    const load = this.parts.nodes.loads(shard);
    const wrong = new Set<string>();
    const seen = { ranks: 0, players: 0 };
    try {
      for await (const entries of walk(kind, ranking.ranks, load.ranks, progress))
        for (const entry of entries) {
          seen.ranks++;
          if (JSON.stringify(players.get(entry[3])) !== JSON.stringify(entry)) wrong.add(entry[3]);
        }
      for await (const entries of walk(playerKind, ranking.players, load.players, progress))
        for (const entry of entries) {
          seen.players++;
          const known = players.get(entry[0]);
          if (!known || JSON.stringify(playerEntry(known)) !== JSON.stringify(entry)) wrong.add(entry[0]);
        }
    } catch (error) {
      // No process removes nodes during a check, so a missing or contradictory node is damage. Count every player as
      // wrong.
      if (error instanceof BrokenTreeError || error instanceof NodeGoneError) return Math.max(1, players.size);
      throw error;
    }
    // No player appears twice, so missing players show in the difference of the numbers.
    return Math.max(wrong.size, Math.abs(players.size - seen.ranks), Math.abs(players.size - seen.players));
  }

  /** Builds a new ranking, applies the changes made meanwhile, and replaces the old ranking. */
  private async replace(
    shard: RankShard,
    tableRanking: TableRanking,
    newId: () => string,
    progress: () => void,
  ): Promise<void> {
    const { ranks, nodes } = this.parts;
    const kind = rankKinds[shard.order];
    const load = nodes.loads(shard);
    let ranking = await this.built(shard, [...tableRanking.players.values()], newId);
    const exhausted = () =>
      new LongwatchError('contention', `The ranking ${boardSeason(shard)} changes faster than it can be replaced`);
    await retry({ attempts: ATTEMPTS, exhausted }, async () => {
      progress();
      const { head, changes } = await tableRanking.next();
      if (changes.size > 0) {
        const drafts = emptyNewNodes(newId);
        ranking = await changed(kind, ranking, changes, load, drafts);
        await nodes.write(shard, drafts);
      }
      const isReplaced = await ranks.endLog(shard, head, tableRanking.log, { ranking, attempt: tableRanking.log });
      return isReplaced ? undefined : againAtOnce;
    });
  }

  private async built(shard: RankShard, entries: RankEntry[], newId: () => string): Promise<Ranking> {
    const drafts = emptyNewNodes(newId);
    const ranks = await treeOf(rankKinds[shard.order], entries, drafts.ranks);
    const players = await treeOf(playerKind, entries.map(playerEntry), drafts.players);
    await this.parts.nodes.write(shard, drafts);
    return defined({ ranks, players });
  }

  /** Ends the log of a check that found no difference. */
  private async endLog(shard: RankShard, log: string): Promise<void> {
    const exhausted = () => new LongwatchError('contention', `The ranking ${boardSeason(shard)} is busy`);
    await retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const head = await this.parts.ranks.head(shard);
      return head.log !== log || (await this.parts.ranks.endLog(shard, head, log)) ? undefined : againAtOnce;
    });
  }

  /** Removes unreferenced nodes, which changes or a crashed process left behind. */
  private async sweep(shard: RankShard, progress: () => void): Promise<void> {
    const { ranks, nodes } = this.parts;
    const { ranking, log, isSealed } = await ranks.head(shard);
    // After a season's end no change that counts is in progress.
    const before = isSealed ? Number.POSITIVE_INFINITY : this.clock.now() - LEFTOVER_MS;
    // Another check is running, and removes the nodes.
    if (log !== undefined) return;
    const live = new Set<string>();
    const load = nodes.loads(shard);
    const visit = (id: string) => {
      live.add(id);
      progress();
    };
    try {
      for await (const _ of walk(rankKinds[shard.order], ranking.ranks, load.ranks, visit));
      for await (const _ of walk(playerKind, ranking.players, load.players, visit));
    } catch (error) {
      // The ranking has changed and its writer removed nodes meanwhile. The next check removes the rest.
      if (error instanceof NodeGoneError) return;
      throw error;
    }
    for await (const ids of nodes.all(shard)) {
      await nodes.remove(
        shard,
        ids.filter((id) => !live.has(id) && madeAt(id) < before),
      );
      progress();
    }
  }
}

/** The players according to the table, at a version of the ranking. */
class TableRanking {
  readonly players = new Map<string, RankEntry>();

  constructor(
    private readonly ranks: RankStore,
    private readonly shard: RankShard,
    readonly log: string,
    private version: number,
  ) {}

  /** Adds entries that were read from the table. */
  read(entries: readonly RankEntry[]): void {
    for (const entry of entries) this.players.set(entry[3], entry);
  }

  /** Applies the log until nothing is missing. */
  async catchUp(): Promise<Head> {
    for (;;) {
      const { head, changes } = await this.next();
      if (changes.size === 0) return head;
    }
  }

  /**
   * Applies the log up to the current version.
   * @returns the head of that version, and the applied changes
   * @throws LongwatchError `contention` if another check of the shard runs
   */
  async next(): Promise<{ head: Head; changes: Map<string, RankEntry | null> }> {
    const head = await this.ranks.head(this.shard);
    if (head.log !== this.log)
      throw new LongwatchError('contention', `Another check of ${boardSeason(this.shard)} is running`);
    const changes = new Map<string, RankEntry | null>();
    for (const note of await this.ranks.noted(this.shard, this.log, this.version)) {
      if (note.version > head.version) break;
      for (const [playerId, entry] of note.changes) changes.set(playerId, entry);
    }
    this.version = head.version;
    for (const [playerId, entry] of changes)
      if (entry) this.players.set(playerId, entry);
      else this.players.delete(playerId);
    return { head, changes };
  }
}

/** Builds a tree from entries. */
function treeOf<E>(kind: TreeKind<E>, entries: readonly E[], draft: Draft<E>): Promise<Ref<E> | undefined> {
  const nothing: Load<E> = (id) => Promise.reject(new NodeGoneError(id));
  return edited(
    kind,
    undefined,
    entries.map((put) => ({ key: kind.key(put), put })),
    nothing,
    draft,
  );
}
