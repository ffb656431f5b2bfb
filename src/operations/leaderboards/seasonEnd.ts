import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import type { Season } from '../../domain/leaderboards/board';
import { lastRewardedRank, rewardsOf } from '../../domain/leaderboards/rewards';
import { type RankShard, shardsOf } from '../../domain/leaderboards/rankShards';
import { rewardLetter } from '../../domain/leaderboards/letters';
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
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link SeasonEnd} needs. */
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
  clock?: Clock;
}

/** The progress of a step that goes through many pages. */
export interface PageProgress {
  /** Number of finished pages. */
  pages: number;
  /** The last entry of the last finished page. */
  last?: RankEntry;
  /** Number of players who got a reward. */
  rewarded: number;
  /** Number of players whose reward was refused permanently; absent if there is none. */
  skipped?: number;
}

/** Where a step continues, and where it reports its progress. */
export interface Paging {
  from?: PageProgress | undefined;
  progress(done: PageProgress): void;
}

/** Pause between two polls. */
const LOOK_MS = 250;
const PARALLEL = 8;

/** The steps of a season's end. Repeating a step changes nothing. */
export class SeasonEnd {
  private readonly clock: Clock;

  constructor(private readonly parts: SeasonEndParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Closes the season, so that no further score can be written, then writes the end marker after the last score.
   * @param endsAt epoch ms
   * @returns when the season was closed; undefined if its end was moved meanwhile
   */
  async close(gameId: string, number: number, endsAt: number): Promise<number | undefined> {
    const board = await this.parts.boards.read(gameId);
    if (!(await this.parts.store.close(gameId, number, endsAt, board.rewards, this.clock.now()))) return undefined;
    for (const shard of shardsOf(board, number)) await this.parts.scores.markEnd(shard);
    return (await this.season(gameId, number)).closedAt;
  }

  /**
   * Waits until the stream reader has passed the end marker in every shard.
   * @throws the signal's reason if it aborts
   */
  async awaitRanks(gameId: string, number: number, signal: AbortSignal, progress: () => void): Promise<RankShard[]> {
    const shards = shardsOf(await this.parts.boards.read(gameId), number);
    for (;;) {
      const heads = await this.parts.ranks.heads(shards);
      if (heads.every(({ isSealed }) => isSealed)) return shards;
      progress();
      await this.clock.sleep(LOOK_MS, signal);
    }
  }

  /**
   * Writes the final standings from the ranks, which no longer change.
   * @returns the number of players in the standings
   */
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
   * Grants the rewards of the final standings, by the rules that applied when the season closed. Skips and reports a
   * player whose grant is refused permanently.
   * @returns the number of players who got a reward, and of skipped players
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

  /** Copies the final standings to the archive, if one is configured. */
  async archive(gameId: string, number: number, players: number, progress: () => void): Promise<void> {
    await this.parts.archive?.write(
      gameId,
      number,
      players,
      (rank) => this.parts.standings.page(gameId, number, rank, PAGE),
      progress,
    );
  }

  /**
   * Records the grant first, so that every announced reward exists. The grant and the message have fixed ids, so a
   * repetition changes nothing.
   */
  private async grant(
    gameId: string,
    { number, closedAt = 0 }: Season,
    { playerId, rank }: RankedPlayer,
    rewards: readonly string[],
  ): Promise<void> {
    await this.parts.standings.grant(gameId, number, { playerId, rank, rewards, grantedAt: closedAt });
    const letter = rewardLetter(gameId, { number, closedAt }, { playerId, rank }, rewards);
    await sendUnlessUndeliverable(this.parts.notifications, letter);
  }

  /**
   * Returns a season.
   * @throws LongwatchError `notFound`
   */
  async season(gameId: string, number: number): Promise<Season> {
    const season = await this.parts.store.season(gameId, number);
    if (!season) throw new LongwatchError('notFound', `Board ${gameId} has no season ${number}`);
    return season;
  }
}
