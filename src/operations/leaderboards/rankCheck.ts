import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import { boardSeason, type RankShard } from '../../domain/leaderboards/keys';
import {
  changed,
  newDrafts,
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

export interface RankCheckParts {
  ranks: RankStore;
  nodes: NodeStore;
  scores: Pick<ScoreStore, 'ranked' | 'markCheck'>;
  /**
   * How old a node that nothing refers to must be to be removed: a change that is under way may have made it. Default
   * 15 minutes.
   */
  leftoverMs?: number;
}

export interface CheckedShard {
  players: number;
  /** Players who stood wrong: missing, left over, or in another place than their score says. */
  differences: number;
  /** The ranking was replaced. */
  replaced: boolean;
}

const LEFTOVER_MS = 15 * 60_000;
const ATTEMPTS = 50;
const LOOK_MS = 200;

/**
 * Compares one shard's ranking with its table, exactly and while both change: from before the table is read until the
 * end every change of the ranking is noted, and once the stream's reader has passed a mark behind what was read, the
 * notes bring that to the very version that it is compared with. Where they differ, or on request, a
 * new ranking is built from the table beside the old one, which serves until the new one has caught up.
 */
export class RankCheck {
  constructor(private readonly parts: RankCheckParts) {}

  async run(shard: RankShard, rebuild: boolean, progress: () => void): Promise<CheckedShard> {
    const { ranks, scores } = this.parts;
    const newId = nodeIds(Date.now());
    const log = newId();
    const truth = new Truth(ranks, shard, log, await ranks.startLog(shard, log));
    await ranks.clearLogs(shard, log);
    for await (const entries of scores.ranked(shard)) {
      truth.read(entries);
      progress();
    }
    await this.passed(shard, log, progress);
    const head = await truth.catchUp();
    const differences = await this.compare(shard, head, truth.players, progress);
    const replaced = rebuild || differences > 0;
    if (replaced) await this.replace(shard, truth, newId, progress);
    else await this.letGo(shard, log);
    await ranks.clearLogs(shard);
    await this.sweep(shard, progress);
    return { players: truth.players.size, differences, replaced };
  }

  /**
   * Waits until the stream's reader has seen all that was read of the table, so that the ranking lacks none of it.
   * Behind a season's end mark it has.
   */
  private async passed(shard: RankShard, mark: string, progress: () => void): Promise<void> {
    await this.parts.scores.markCheck(shard, mark);
    for (;;) {
      const head = await this.parts.ranks.head(shard);
      if (head.isSealed || head.mark === mark) return;
      if (head.log !== mark) throw new LongwatchError('contention', `Somebody else is comparing ${boardSeason(shard)}`);
      progress();
      await sleep(LOOK_MS);
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
      // Nothing removes nodes while this runs: one that is gone, or contradicts itself, is damage; nobody stands right.
      if (error instanceof BrokenTreeError || error instanceof NodeGoneError) return Math.max(1, players.size);
      throw error;
    }
    // Nobody stands there twice, so whoever is missing shows in the number.
    return Math.max(wrong.size, Math.abs(players.size - seen.ranks), Math.abs(players.size - seen.players));
  }

  /** Builds the ranking anew, lets it catch up, and puts it in the old one's place. */
  private async replace(shard: RankShard, truth: Truth, newId: () => string, progress: () => void): Promise<void> {
    const { ranks, nodes } = this.parts;
    const kind = rankKinds[shard.order];
    const load = nodes.loads(shard);
    let ranking = await this.built(shard, [...truth.players.values()], newId);
    const exhausted = () =>
      new LongwatchError('contention', `The ranking ${boardSeason(shard)} changes faster than it can be replaced`);
    await retry({ attempts: ATTEMPTS, exhausted }, async () => {
      progress();
      const { head, changes } = await truth.next();
      if (changes.size > 0) {
        const drafts = newDrafts(newId);
        ranking = await changed(kind, ranking, changes, load, drafts);
        await nodes.write(shard, drafts);
      }
      const isReplaced = await ranks.endLog(shard, head, truth.log, { ranking, attempt: truth.log });
      return isReplaced ? undefined : againAtOnce;
    });
  }

  private async built(shard: RankShard, entries: RankEntry[], newId: () => string): Promise<Ranking> {
    const drafts = newDrafts(newId);
    const ranks = await grown(rankKinds[shard.order], entries, drafts.ranks);
    const players = await grown(playerKind, entries.map(playerEntry), drafts.players);
    await this.parts.nodes.write(shard, drafts);
    return defined({ ranks, players });
  }

  private async letGo(shard: RankShard, log: string): Promise<void> {
    const exhausted = () => new LongwatchError('contention', `The ranking ${boardSeason(shard)} is busy`);
    await retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const head = await this.parts.ranks.head(shard);
      return head.log !== log || (await this.parts.ranks.endLog(shard, head, log)) ? undefined : againAtOnce;
    });
  }

  /** Removes the nodes that nothing refers to: what changes left behind meanwhile, or a process that died. */
  private async sweep(shard: RankShard, progress: () => void): Promise<void> {
    const { ranks, nodes } = this.parts;
    const { ranking, log, isSealed } = await ranks.head(shard);
    // Behind the end of a season no change is under way that could still count.
    const before = isSealed ? Number.POSITIVE_INFINITY : Date.now() - (this.parts.leftoverMs ?? LEFTOVER_MS);
    // Somebody else is comparing, and sweeps.
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
      // The ranking has moved on and its reader has removed what we walked; the next check sweeps.
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

/** What the table says, at a version of the ranking. */
class Truth {
  readonly players = new Map<string, RankEntry>();

  constructor(
    private readonly ranks: RankStore,
    private readonly shard: RankShard,
    readonly log: string,
    private version: number,
  ) {}

  read(entries: readonly RankEntry[]): void {
    for (const entry of entries) this.players.set(entry[3], entry);
  }

  /** Takes in all notes until there are none that it lacks. */
  async catchUp(): Promise<Head> {
    for (;;) {
      const { head, changes } = await this.next();
      if (changes.size === 0) return head;
    }
  }

  /**
   * Takes in the notes up to the current version. @throws LongwatchError `contention` when somebody else is comparing.
   */
  async next(): Promise<{ head: Head; changes: Map<string, RankEntry | null> }> {
    const head = await this.ranks.head(this.shard);
    if (head.log !== this.log)
      throw new LongwatchError('contention', `Somebody else is comparing ${boardSeason(this.shard)}`);
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

function grown<E>(kind: TreeKind<E>, entries: readonly E[], draft: Draft<E>): Promise<Ref<E> | undefined> {
  const nothing: Load<E> = (id) => Promise.reject(new NodeGoneError(id));
  return edited(
    kind,
    undefined,
    entries.map((put) => ({ key: kind.key(put), put })),
    nothing,
    draft,
  );
}
