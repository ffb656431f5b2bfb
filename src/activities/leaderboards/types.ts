import type { RankShard } from '../../domain/leaderboards/keys';
import type { Notification } from '../../domain/platform/notification';
import type { CheckMode, SeasonInput } from '../../domain/leaderboards/workflows';

/** When a season ends, as it stands now. */
export interface SeasonEnd {
  /** Epoch ms. */
  endsAt: number;
  graceMs: number;
}

export interface CheckedRanks {
  players: number;
  differences: number;
  replaced: boolean;
}

/** A plain number where nobody was skipped: workflows and workers of earlier releases know only that. */
export type Granted = number | { rewarded: number; skipped: number };

/** What the leaderboards' workflows may ask for. Every one may run twice. */
export interface LeaderboardActivities {
  /**
   * Takes over the bans that were there when the season was planned. @returns how many players were skipped, because
   * their ban was refused for good; nothing from workers of earlier releases.
   */
  carryBans(season: SeasonInput): Promise<number | undefined>;
  seasonEnd(season: SeasonInput): Promise<SeasonEnd>;
  /** @returns when it was closed, or undefined when its end is not the one given any more. */
  closeSeason(season: SeasonInput, endsAt: number): Promise<number | undefined>;
  /** Plans what comes after. */
  planSeasons(gameId: string): Promise<void>;
  /** Waits until every score of a closed season is ranked; heartbeats. @returns the season's shards. */
  awaitRanks(season: SeasonInput): Promise<RankShard[]>;
  /** Compares a ranking with its table; heartbeats. */
  checkRanks(shard: RankShard, mode: CheckMode): Promise<CheckedRanks>;
  /** Writes the final standings, page by page; heartbeats. @returns how many players are in them. */
  writeStandings(season: SeasonInput): Promise<number>;
  /**
   * Grants the rewards, once a player; heartbeats. @returns how many players were granted any; where some were skipped,
   * because their grant was refused for good, how many of them, too.
   */
  grantRewards(season: SeasonInput, players: number): Promise<Granted>;
  /** Copies the final standings to where they stay, if there is such a place; heartbeats. */
  archiveSeason(season: SeasonInput, players: number): Promise<void>;
  finishSeason(season: SeasonInput, players: number): Promise<void>;
  /**
   * Rankings to be checked: of a game, or of all; of each the seasons that are not final. `skipped` boards can never be
   * read.
   */
  ranksToCheck(gameId?: string, cursor?: string): Promise<{ shards: RankShard[]; skipped?: number; cursor?: string }>;
  sendNotice(notice: Notification): Promise<void>;
}
