import { cron, duration } from './values';

/** Settings of leaderboards. */
export const leaderboardsSettings = {
  LONGWATCH_SEASON_FENCE_MS: duration(60_000).describe(
    'How long before its end a season’s scores begin to be written in one transaction with the check that it is ' +
      'open; longer than any request can be under way',
  ),
  LONGWATCH_RANK_CHECK_CRON: cron('30 3 * * *').describe(
    'When all leaderboards’ ranks are compared with their scores, cron in UTC',
  ),
};
