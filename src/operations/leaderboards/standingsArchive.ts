import type { RankedPlayer } from '../../domain/leaderboards/ranking';

/** Where finished seasons go to stay. */
export interface StandingsArchive {
  /**
   * Writes a season's final standings; writing them again writes the same.
   * @param page the standings from a rank on, at least one while there are any.
   */
  write(gameId: string, season: number, players: number, page: (rank: number) => Promise<RankedPlayer[]>, progress: () => void): Promise<void>;
}
