import type { RankShard } from '../../domain/leaderboards/rankShards';
import type { Notification } from '../../domain/platform/notification';
import type { CheckMode, SeasonInput } from '../../domain/leaderboards/workflows';

/** The current end of a season. */
export interface SeasonEnd {
  /** Epoch ms. */
  endsAt: number;
  graceMs: number;
}

/** The result of checking one ranking. */
export interface CheckedRanks {
  players: number;
  differences: number;
  replaced: boolean;
}

/** A plain number if no player was skipped, because earlier releases know only that form. */
export type Granted = number | { rewarded: number; skipped: number };

/** The activities of the leaderboards' workflows. Each attempt may be repeated. */
export interface LeaderboardActivities {
  /**
   * Applies the board's bans to a new season. @returns the number of players that were skipped because their ban was
   * refused permanently; undefined from workers of earlier releases.
   */
  carryBans(season: SeasonInput): Promise<number | undefined>;
  /** Reads the current end of a season. */
  seasonEnd(season: SeasonInput): Promise<SeasonEnd>;
  /**
   * Closes a season. @returns the time of closing (epoch ms); undefined when the season's end is no longer `endsAt`.
   */
  closeSeason(season: SeasonInput, endsAt: number): Promise<number | undefined>;
  /** Plans the board's next seasons. */
  planSeasons(gameId: string): Promise<void>;
  /** Waits until the rank trees contain every score of a closed season; heartbeats. @returns the season's shards. */
  awaitRanks(season: SeasonInput): Promise<RankShard[]>;
  /** Compares a ranking with the table and repairs it; heartbeats. */
  checkRanks(shard: RankShard, mode: CheckMode): Promise<CheckedRanks>;
  /** Writes the final standings page by page; heartbeats. @returns the number of players in them. */
  writeStandings(season: SeasonInput): Promise<number>;
  /**
   * Grants each player's rewards once; heartbeats. @returns the number of rewarded players; if grants were refused
   * permanently, also the number of skipped players.
   */
  grantRewards(season: SeasonInput, players: number): Promise<Granted>;
  /** Copies the final standings to the archive, if one is configured; heartbeats. */
  archiveSeason(season: SeasonInput, players: number): Promise<void>;
  /** Makes a season `final`. */
  finishSeason(season: SeasonInput, players: number): Promise<void>;
  /**
   * Returns a page of rankings to check, of a game or of all: those of seasons that have begun and are open. `skipped`
   * counts boards that can never be read.
   */
  ranksToCheck(gameId?: string, cursor?: string): Promise<{ shards: RankShard[]; skipped?: number; cursor?: string }>;
  /** Sends a notification. */
  sendNotice(notice: Notification): Promise<void>;
}
