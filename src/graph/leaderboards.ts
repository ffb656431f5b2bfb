import { leaderboardActivities } from '../activities/leaderboards';
import { rankCounters, SHARDS_A_BATCH } from '../operations/leaderboards/rankCounters';
import { foldingHandler } from '../operations/platform/streams/foldingHandler';
import { boardRoutes } from '../api/leaderboards/boards';
import { leaderboardRoutes } from '../api/leaderboards/scores';
import { Objects } from '../gateways/s3/objects';
import { Boards } from '../operations/leaderboards/boards';
import { seasonRows } from '../operations/leaderboards/openSeasons';
import { RankCheck } from '../operations/leaderboards/rankCheck';
import { Rankings } from '../operations/leaderboards/rankings';
import { RankWriter } from '../operations/leaderboards/rankWriter';
import { SeasonEnd } from '../operations/leaderboards/seasonEnd';
import { Submissions } from '../operations/leaderboards/submissions';
import { StandingsArchive } from '../operations/leaderboards/standingsArchive';
import { BoardStore } from '../stores/leaderboards/boards';
import { NodeStore } from '../stores/leaderboards/nodes';
import { RankStore } from '../stores/leaderboards/ranks';
import { ScoreStore } from '../stores/leaderboards/scores';
import { StandingsStore } from '../stores/leaderboards/standings';
import {
  LEADERBOARD_STREAM,
  LEADERBOARDS_QUEUE,
  RANK_CHECK_ID,
  RANK_CHECK_TYPE,
  type CheckMode,
  rankCheckId,
  type RankCheckInput,
  SEASON_TYPE,
} from '../domain/leaderboards/workflows';
import { tableStream } from './consumers';
import {
  declareCapability,
  type CapabilityInstance,
  type Services,
  type StandingWorkflow,
  readStream,
} from './capability';
import { leaderboardsSettings } from '../config/leaderboards';
import { leaderboardLifecycles } from '../domain/leaderboards/lifecycles';
import { LeaderboardMetrics } from '../metrics/leaderboards';
import { leaderboardGrants } from '../stores/leaderboards/grants';
import { leaderboardTables } from '../stores/leaderboards/tables';

/** Leaderboards: scores by request, ranks by the table's stream, seasons by workflow. */
function buildLeaderboards(
  services: Services<typeof leaderboardsSettings>,
  metrics: LeaderboardMetrics,
): CapabilityInstance {
  const { config, db, outbox, notifications, logger, startOnce, onFault, onSkipped, note } = services;
  const store = new BoardStore(db);
  const scores = new ScoreStore(db);
  const ranks = new RankStore(db);
  const nodes = new NodeStore(db);
  const standings = new StandingsStore(db);
  const fenceMs = config.LONGWATCH_SEASON_FENCE_MS;
  const boards = new Boards({ boards: store, scores, outbox, onFault, onSkipped: onSkipped('ban') }, { fenceMs });
  const submissions = new Submissions(
    {
      boards,
      store,
      scores,
      onResult(result) {
        metrics.submission(result);
        if (result === 'applied') note({ area: 'leaderboards', tone: 'routine', text: 'score counted', count: 1 });
      },
    },
    fenceMs,
  );
  const rankings = new Rankings({ ranks, nodes });
  const check = new RankCheck({ ranks, nodes, scores });
  const archive = standingsArchive(services);
  const seasonEnd = new SeasonEnd({
    boards,
    store,
    scores,
    ranks,
    rankings,
    standings,
    notifications,
    onSkipped: onSkipped('reward'),
    ...(archive && { archive }),
  });

  const startRankCheck = async (mode: CheckMode, gameId: string): Promise<string> => {
    const workflowId = rankCheckId(mode, gameId);
    const input: RankCheckInput = { mode, gameId };
    await startOnce({
      type: RANK_CHECK_TYPE,
      workflowId,
      taskQueue: LEADERBOARDS_QUEUE,
      args: [input],
      staticSummary: `Ranks of ${gameId}: ${mode}`,
    });
    return workflowId;
  };
  const writer = new RankWriter({
    ranks,
    nodes,
    onFault,
    onDamaged({ gameId }, error) {
      logger.error({ err: error, gameId }, 'a ranking is damaged: it is compared with its table and built anew');
      startRankCheck('audit', gameId).catch(onFault);
    },
  });
  const everyBoard: RankCheckInput = { mode: 'audit' };
  const checkAll: StandingWorkflow = {
    type: RANK_CHECK_TYPE,
    workflowId: RANK_CHECK_ID,
    taskQueue: LEADERBOARDS_QUEUE,
    args: [everyBoard],
    staticSummary: 'Whether ranks are what the scores say',
  };
  const { type: workflowType, ...checked } = checkAll;

  return {
    routes: [
      ...leaderboardRoutes({ boards, submissions, rankings }),
      ...boardRoutes({ boards, store, standings, startRankCheck }),
    ],
    activities: {
      [LEADERBOARDS_QUEUE]: leaderboardActivities({
        boards,
        store,
        seasonEnd,
        check,
        notifications,
        onSkipped: onSkipped('rank-check'),
        onChecked(result) {
          metrics.rankingChecked(result);
          if (result.differences > 0)
            note({
              area: 'leaderboards',
              tone: 'problem',
              text: 'rank was not what the score says, and was put right',
              count: result.differences,
            });
        },
      }),
    },
    standing: [],
    rows: [seasonRows(store, onSkipped('reconciliation'))],
    schedules: [
      { scheduleId: RANK_CHECK_ID, cron: config.LONGWATCH_RANK_CHECK_CRON, action: { workflowType, ...checked } },
    ],
    streams: [
      readStream({
        name: LEADERBOARD_STREAM,
        summary: 'Ranks from players’ scores',
        source: tableStream(services, 'Leaderboard'),
        handler: foldingHandler(rankCounters(ranks, writer), SHARDS_A_BATCH),
        trimmed: () => void startOnce(checkAll).catch(onFault),
      }),
    ],
  };
}

function standingsArchive({ config, endpoints, watchCall }: Services): StandingsArchive | undefined {
  return (
    endpoints.s3 && new StandingsArchive(new Objects({ region: config.AWS_REGION, ...endpoints.s3, watch: watchCall }))
  );
}

/** Leaderboards with seasons. */
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
