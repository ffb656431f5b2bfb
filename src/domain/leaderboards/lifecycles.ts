import { job, repeated, rowed, type Lifecycles } from '../platform/lifecycle';

/** The rules of the workflow types. The reasons are in decision 0034. */
export const leaderboardLifecycles = {
  season: rowed('The season ends at its instant: PUT /v1/boards/{gameId}/seasons/{n} moves its end.'),
  seasonMoved: repeated('It ends as soon as the season has been told.'),
  rankCheck: job('schedule', 'The next scheduled check compares all rankings.', 'itself'),
} as const satisfies Lifecycles;
