import type { CapabilityGrants } from '../grants';

/** The DynamoDB actions that the leaderboards' code uses. */
export const leaderboardGrants = {
  routes: {
    Boards: 'ConditionCheckItem DeleteItem GetItem PutItem Query UpdateItem',
    Leaderboard: 'GetItem UpdateItem',
    LeaderboardRanks: 'BatchGetItem',
    LeaderboardStandings: 'BatchGetItem Query',
  },
  activities: {
    Boards: 'ConditionCheckItem DeleteItem GetItem Query UpdateItem',
    Leaderboard: 'PutItem Query UpdateItem',
    LeaderboardRanks: 'BatchGetItem BatchWriteItem Query UpdateItem',
    LeaderboardStandings: 'BatchGetItem PutItem',
  },
  functions: {
    /** The stream of Leaderboard: ranks. */
    ranks: {
      LeaderboardRanks: 'BatchGetItem BatchWriteItem PutItem UpdateItem',
    },
  },
} as const satisfies CapabilityGrants;
