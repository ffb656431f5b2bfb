import { cron, duration } from './values';

/** Settings of leaderboards. */
export const leaderboardsSettings = {
  LONGWATCH_SEASON_FENCE_MS: duration(60_000).describe(
    'Time before a season’s end from which each score is written in one transaction with a check that ' +
      'the season is open; must be longer than any request takes',
  ),
  LONGWATCH_RANK_CHECK_CRON: cron('30 3 * * *').describe(
    'Cron (UTC) of the check that compares all leaderboards’ ranks with their scores',
  ),
};
