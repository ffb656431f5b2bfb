import { stringKey, type Tables } from '../tableSpec';

/** The tables of leaderboards. */
export const leaderboardTables = {
  /**
   * By game: its board (Entry = `board`), its seasons (`season#<n>`), the items that the conditions of a season's last
   * writes check (`fence#<n>#<i>`), and bans (`ban#<player>`). The list of all boards has GameID = `#boards`.
   */
  Boards: { partitionKey: stringKey('GameID'), sortKey: stringKey('Entry') },
  /** A player's score in a season. The stream of this table updates the ranks. */
  Leaderboard: { partitionKey: stringKey('BoardSeason'), sortKey: stringKey('PlayerID'), stream: 'NEW_AND_OLD_IMAGES' },
  /**
   * By ranking: its current state (Entry = `head`), the changes during its check (`log#…`), and the nodes of its rank
   * tree, in 16 partitions (`node#<id>`).
   */
  LeaderboardRanks: { partitionKey: stringKey('Ranking'), sortKey: stringKey('Entry') },
  /** By season: pages of the final standings (Entry = `page#<n>`), and the granted rewards (`reward#<player>`). */
  LeaderboardStandings: { partitionKey: stringKey('GameSeason'), sortKey: stringKey('Entry') },
} as const satisfies Tables;
