import { LEADERBOARD_STREAM, LEADERBOARDS_QUEUE, SEASON_TYPE } from '../domain/leaderboards/workflows';
import { declareCapability } from './capability';
import type * as built from './leaderboards/build';
import { leaderboardsSettings } from '../config/leaderboards';
import { leaderboardLifecycles } from '../domain/leaderboards/lifecycles';
import { LeaderboardMetrics } from '../metrics/leaderboards';
import { leaderboardGrants } from '../stores/leaderboards/grants';
import { leaderboardTables } from '../stores/leaderboards/tables';

/** The capability `leaderboards`: leaderboards with seasons. */
export const leaderboards = declareCapability({
  name: 'leaderboards',
  title: 'Leaderboards',
  tables: leaderboardTables,
  grants: leaderboardGrants,
  queues: { [LEADERBOARDS_QUEUE]: { concurrentActivities: 20, group: 'requests' } },
  lifecycles: leaderboardLifecycles,
  workflowsPath: () => require.resolve('../workflows/leaderboards'),
  workflowIds: { season: ['gameId', 'season'] },
  requestIds: { names: ['gameId', 'playerId', 'submissionId'] },
  settings: leaderboardsSettings,
  parts: { s3: 'optional' },
  functions: [{ name: 'ranks', source: { table: 'Leaderboard' }, stream: LEADERBOARD_STREAM }],
  metrics: LeaderboardMetrics,
  page: {
    lead: { label: 'scores that counted', of: { label: 'scores that counted' } },
    news: { [SEASON_TYPE]: 'A season' },
    running: { [SEASON_TYPE]: 'seasons watched' },
    sizes: { Leaderboard: 'scores kept' },
    counters: [
      {
        metric: 'longwatch_leaderboard_submissions_total',
        label: ({ result }) => (result === 'applied' ? 'scores that counted' : undefined),
      },
    ],
  },
  build: (services, metrics) => (require('./leaderboards/build') as typeof built).buildLeaderboards(services, metrics),
});
