import { job, repeated, rowed, type Lifecycles } from '../platform/lifecycle';

/** The lifecycle rules of the workflow types of leaderboards; decision 0034 has the reasons. */
export const leaderboardLifecycles = {
  season: rowed('The season ends at its end time: PUT /v1/boards/{gameId}/seasons/{n} moves its end.'),
  seasonMoved: repeated('It ends when the workflow of the season has received the signal.'),
  rankCheck: job('schedule', 'The next scheduled check compares all rankings.', 'itself'),
} as const satisfies Lifecycles;
