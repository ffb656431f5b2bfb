import { stringKey, type Tables } from '../tables';

/** The tables of leaderboards. */
export const leaderboardTables = {
  /**
   * Of a game: its board (Entry = `board`), seasons (`season#<n>`), what a season's last writes are checked against
   * (`fence#<n>#<i>`), bans (`ban#<player>`). All boards by GameID = `#boards`.
   */
  Boards: { partitionKey: stringKey('GameID'), sortKey: stringKey('Entry') },
  /** A player's score in a season; its stream feeds the ranks. */
  Leaderboard: { partitionKey: stringKey('BoardSeason'), sortKey: stringKey('PlayerID'), stream: 'NEW_AND_OLD_IMAGES' },
  /**
   * Rankings: what is current (Entry = `head`), changes while one is checked (`log#…`), and their nodes, 16 partitions
   * a ranking (`node#<id>`).
   */
  LeaderboardRanks: { partitionKey: stringKey('Ranking'), sortKey: stringKey('Entry') },
  /** Of a season: final standings by the page (Entry = `page#<n>`) and what was granted to whom (`reward#<player>`). */
  LeaderboardStandings: { partitionKey: stringKey('GameSeason'), sortKey: stringKey('Entry') },
} as const satisfies Tables;
