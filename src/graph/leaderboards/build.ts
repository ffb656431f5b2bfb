import { leaderboardActivities } from '../../activities/leaderboards';
import { boardRoutes } from '../../api/leaderboards/boards';
import { rankingRoutes } from '../../api/leaderboards/rankings';
import { scoreRoutes } from '../../api/leaderboards/scores';
import { defined } from '../../domain/defined';
import { Objects } from '../../gateways/s3/objects';
import { Boards } from '../../operations/leaderboards/boards';
import { seasonRows } from '../../operations/leaderboards/reconciledRows';
import { Rankings } from '../../operations/leaderboards/rankings';
import { SeasonEnd } from '../../operations/leaderboards/seasonEnd';
import { Submissions, type SubmissionsParts } from '../../operations/leaderboards/submissions';
import { StandingsArchive } from '../../operations/leaderboards/standingsArchive';
import { BoardStore } from '../../stores/leaderboards/boards';
import { NodeStore } from '../../stores/leaderboards/nodes';
import { RankStore } from '../../stores/leaderboards/ranks';
import { ScoreStore } from '../../stores/leaderboards/scores';
import { StandingsStore } from '../../stores/leaderboards/standings';
import { LEADERBOARDS_QUEUE } from '../../domain/leaderboards/workflows';
import type { CapabilityInstance, Services } from '../capability';
import { buildRanking } from './ranking';
import type { leaderboardsSettings } from '../../config/leaderboards';
import type { LeaderboardMetrics } from '../../metrics/leaderboards';
import type { Db } from '../../stores/dynamodb';

type BoardServices = Services<typeof leaderboardsSettings>;

/** Builds the capability: scores for requests, ranks from the table's stream, seasons in workflows. */
export function buildLeaderboards(services: BoardServices, metrics: LeaderboardMetrics): CapabilityInstance {
  const stores = openStores(services.db);
  const { boards, submissions, rankings, seasonEnd } = buildOperations(services, metrics, stores);
  const ranking = buildRanking(services, metrics, stores);
  const { store, standings } = stores;
  const { notifications, onSkipped } = services;
  return {
    routes: [
      ...scoreRoutes({ submissions }),
      ...rankingRoutes({ boards, rankings }),
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
