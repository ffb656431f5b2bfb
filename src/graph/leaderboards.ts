import { leaderboardActivities } from '../activities/leaderboards';
import { boardRoutes } from '../api/leaderboards/boards';
import { leaderboardRoutes } from '../api/leaderboards/scores';
import { defined } from '../domain/defined';
import { Objects } from '../gateways/s3/objects';
import { Boards } from '../operations/leaderboards/boards';
import { seasonRows } from '../operations/leaderboards/openSeasons';
import { Rankings } from '../operations/leaderboards/rankings';
import { SeasonEnd } from '../operations/leaderboards/seasonEnd';
import { Submissions, type SubmissionsParts } from '../operations/leaderboards/submissions';
import { StandingsArchive } from '../operations/leaderboards/standingsArchive';
import { BoardStore } from '../stores/leaderboards/boards';
import { NodeStore } from '../stores/leaderboards/nodes';
import { RankStore } from '../stores/leaderboards/ranks';
import { ScoreStore } from '../stores/leaderboards/scores';
import { StandingsStore } from '../stores/leaderboards/standings';
import { LEADERBOARD_STREAM, LEADERBOARDS_QUEUE, SEASON_TYPE } from '../domain/leaderboards/workflows';
import { declareCapability, type CapabilityInstance, type Services } from './capability';
import { buildRanking } from './leaderboards/ranking';
import { leaderboardsSettings } from '../config/leaderboards';
import { leaderboardLifecycles } from '../domain/leaderboards/lifecycles';
import { LeaderboardMetrics } from '../metrics/leaderboards';
import { leaderboardGrants } from '../stores/leaderboards/grants';
import { leaderboardTables } from '../stores/leaderboards/tables';
import type { Db } from '../stores/dynamodb';

type BoardServices = Services<typeof leaderboardsSettings>;

/** Builds the capability: scores for requests, ranks from the table's stream, seasons in workflows. */
function buildLeaderboards(services: BoardServices, metrics: LeaderboardMetrics): CapabilityInstance {
  const stores = openStores(services.db);
  const { boards, submissions, rankings, seasonEnd } = buildOperations(services, metrics, stores);
  const ranking = buildRanking(services, metrics, stores);
  const { store, standings } = stores;
  const { notifications, onSkipped } = services;
  return {
    routes: [
      ...leaderboardRoutes({ boards, submissions, rankings }),
      ...boardRoutes({ boards, store, standings, startRankCheck: ranking.startCheck }),
    ],
    activities: {
      [LEADERBOARDS_QUEUE]: leaderboardActivities({
        boards,
        store,
        seasonEnd,
        check: ranking.check,
        notifications,
        onSkipped: onSkipped('rank-check'),
        onChecked: ranking.onChecked,
      }),
    },
    standing: [],
    rows: [seasonRows(store, onSkipped('reconciliation'))],
    schedules: [ranking.schedule],
    streams: [ranking.stream],
  };
}

const openStores = (db: Db) => ({
  store: new BoardStore(db),
  scores: new ScoreStore(db),
  ranks: new RankStore(db),
  nodes: new NodeStore(db),
  standings: new StandingsStore(db),
});

/** Builds the operations on boards, submissions and ranks, and the end of a season. */
function buildOperations(
  services: BoardServices,
  metrics: LeaderboardMetrics,
  { store, scores, ranks, nodes, standings }: ReturnType<typeof openStores>,
) {
  const { config, outbox, notifications, onFault, onSkipped, note } = services;
  const fenceMs = config.LONGWATCH_SEASON_FENCE_MS;
  const onResult: NonNullable<SubmissionsParts['onResult']> = (result) => {
    metrics.submission(result);
    if (result === 'applied') note({ area: 'leaderboards', tone: 'routine', text: 'score counted', count: 1 });
  };
  const boards = new Boards({ boards: store, scores, outbox, onFault, onSkipped: onSkipped('ban') }, { fenceMs });
  const submissions = new Submissions({ boards, store, scores, onResult }, fenceMs);
  const rankings = new Rankings({ ranks, nodes });
  const seasonEnd = new SeasonEnd({
    boards,
    store,
    scores,
    ranks,
    rankings,
    standings,
    notifications,
    onSkipped: onSkipped('reward'),
    ...defined({ archive: standingsArchive(services) }),
  });
  return { boards, submissions, rankings, seasonEnd };
}

function standingsArchive({ config, endpoints, watchCall }: Services): StandingsArchive | undefined {
  return (
    endpoints.s3 && new StandingsArchive(new Objects({ region: config.AWS_REGION, ...endpoints.s3, watch: watchCall }))
  );
}

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
  build: buildLeaderboards,
});
