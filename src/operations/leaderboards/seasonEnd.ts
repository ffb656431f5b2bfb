import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import { lastRewardedRank, rewardsOf, type Season } from '../../domain/leaderboards/board';
import { type RankShard, shardsOf } from '../../domain/leaderboards/keys';
import type { RankedPlayer, RankEntry } from '../../domain/leaderboards/ranking';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import { type Notifications, sendUnlessUndeliverable } from '../platform/notifications';
import type { BoardStore } from '../../stores/leaderboards/boards';
import type { RankStore } from '../../stores/leaderboards/ranks';
import type { ScoreStore } from '../../stores/leaderboards/scores';
import { PAGE, type StandingsStore } from '../../stores/leaderboards/standings';
import type { Boards } from './boards';
import type { Rankings } from './rankings';
import type { StandingsArchive } from './standingsArchive';

export interface SeasonEndParts {
  boards: Boards;
  store: BoardStore;
  scores: ScoreStore;
  ranks: RankStore;
  rankings: Rankings;
  standings: StandingsStore;
  archive?: StandingsArchive;
  notifications: Pick<Notifications, 'send'>;
  onSkipped?: OnSkipped;
}

/** How far an attempt at many pages has come. */
export interface PageProgress {
  /** Pages that are done. */
  pages: number;
  /** The last entry of the last of them. */
  last?: RankEntry;
  /** Players who were granted something. */
  rewarded: number;
  /** Players whose grant was refused for good; absent where there is none. */
  skipped?: number;
}

export interface Paging {
  from?: PageProgress | undefined;
  progress(done: PageProgress): void;
}

const LOOK_MS = 250;
const PARALLEL = 8;

/** What happens at a season's end, each step such that doing it twice is doing it once. */
export class SeasonEnd {
  constructor(private readonly parts: SeasonEndParts) {}

  /**
   * Takes down the season's fences, so that no score can come in any more, then marks the end behind the last one.
   * @returns when it was closed, or undefined when its end is not the one given any more.
   */
  async close(gameId: string, number: number, endsAt: number): Promise<number | undefined> {
    const board = await this.parts.boards.read(gameId);
    if (!(await this.parts.store.close(gameId, number, endsAt, board.rewards, Date.now()))) return undefined;
    for (const shard of shardsOf(board, number)) await this.parts.scores.markEnd(shard);
    return (await this.season(gameId, number)).closedAt;
  }

  /** Until the stream's reader has passed the end mark in every shard. */
  async awaitRanks(gameId: string, number: number, signal: AbortSignal, progress: () => void): Promise<RankShard[]> {
    const shards = shardsOf(await this.parts.boards.read(gameId), number);
    for (;;) {
      const heads = await this.parts.ranks.heads(shards);
      if (heads.every(({ isSealed }) => isSealed)) return shards;
      progress();
      await sleep(LOOK_MS, undefined, { signal });
    }
  }

  /** Writes the final standings from the sealed ranks. @returns how many players are in them. */
  async writeStandings(gameId: string, number: number, { from, progress }: Paging): Promise<number> {
    const board = await this.parts.boards.read(gameId);
    let { pages, last } = from ?? { pages: 0 };
    for (;;) {
      const top = await this.parts.rankings.top(board, number, PAGE, last);
      if (top.entries.length > 0) await this.parts.standings.put(gameId, number, pages, top.entries);
      if (!top.last) return top.players;
      last = top.last;
      pages++;
      progress({ pages, last, rewarded: 0 });
    }
  }

  /**
   * Grants what the rules of the season's closing say, from the final standings. A player whose grant is refused for
   * good is
   * skipped and reported. @returns how many players were granted something, and how many were skipped.
   */
  async grantRewards(
    gameId: string,
    number: number,
    players: number,
    { from, progress }: Paging,
  ): Promise<Pick<PageProgress, 'rewarded' | 'skipped'>> {
    const season = await this.season(gameId, number);
    const until = lastRewardedRank(season.rewards ?? [], players);
    let done: PageProgress = from ?? { pages: 0, rewarded: 0 };
    while (done.pages * PAGE < until) {
      const page = await this.parts.standings.page(gameId, number, done.pages * PAGE + 1, PAGE);
      const winners = page
        .map((player) => ({ player, rewards: rewardsOf(season.rewards ?? [], player.rank, players) }))
        .filter(({ rewards }) => rewards.length > 0);
      const refused = await skipEachRefused(
        winners,
        PARALLEL,
        ({ player, rewards }) => this.grant(gameId, season, player, rewards),
        ({ player }, error) =>
          this.parts.onSkipped?.(`the reward of ${player.playerId} in season ${number} of ${gameId}`, error),
      );
      const skipped = (done.skipped ?? 0) + refused.size;
      done = {
        pages: done.pages + 1,
        rewarded: done.rewarded + winners.length - refused.size,
        ...(skipped > 0 && { skipped }),
      };
      progress(done);
    }
    return { rewarded: done.rewarded, ...defined({ skipped: done.skipped }) };
  }

  /** Copies the final standings to where they stay, if there is such a place. */
  async archive(gameId: string, number: number, players: number, progress: () => void): Promise<void> {
    await this.parts.archive?.write(
      gameId,
      number,
      players,
      (rank) => this.parts.standings.page(gameId, number, rank, PAGE),
      progress,
    );
  }

  /** The record first: what is announced was granted. Both are the same however often they are made. */
  private async grant(
    gameId: string,
    { number, closedAt = 0 }: Season,
    { playerId, rank }: RankedPlayer,
    rewards: readonly string[],
  ): Promise<void> {
    await this.parts.standings.grant(gameId, number, { playerId, rank, rewards, grantedAt: closedAt });
    await sendUnlessUndeliverable(this.parts.notifications, {
      id: `reward.${gameId}.${number}.${playerId}`,
      recipient: playerId,
      subject: `${gameId}: you finished season ${number} at rank ${rank}`,
      text: `You have won: ${rewards.join(', ')}.`,
      at: closedAt,
    });
  }

  async season(gameId: string, number: number): Promise<Season> {
    const season = await this.parts.store.season(gameId, number);
    if (!season) throw new LongwatchError('notFound', `Board ${gameId} has no season ${number}`);
    return season;
  }
}
