import { type CheckMode, LEADERBOARD_STREAM, RANK_CHECK_ID } from '../../domain/leaderboards/workflows';
import type { LeaderboardMetrics } from '../../metrics/leaderboards';
import { RankCheck } from '../../operations/leaderboards/rankCheck';
import { checkOfAll, RankCheckStarts } from '../../operations/leaderboards/rankCheckStarts';
import { rankCounters, SHARDS_A_BATCH } from '../../operations/leaderboards/rankCounters';
import { RankWriter } from '../../operations/leaderboards/rankWriter';
import { foldingHandler } from '../../operations/platform/streams/foldingHandler';
import type { NodeStore } from '../../stores/leaderboards/nodes';
import type { RankStore } from '../../stores/leaderboards/ranks';
import type { ScoreStore } from '../../stores/leaderboards/scores';
import { readStream, type ScheduledWorkflow, type Services } from '../capability';
import { tableStream } from '../consumers';
import type { leaderboardsSettings } from '../../config/leaderboards';

interface RankingStores {
  scores: ScoreStore;
  ranks: RankStore;
  nodes: NodeStore;
}

/** Builds the ranks. The table's stream updates them, and a check compares them with the scores and repairs them. */
export function buildRanking(
  services: Services<typeof leaderboardsSettings>,
  metrics: LeaderboardMetrics,
  { scores, ranks, nodes }: RankingStores,
) {
  const { config, logger, startOnce, onFault } = services;
  const checks = new RankCheckStarts({ startOnce, logger, onFault });
  const writer = new RankWriter({
    ranks,
    nodes,
    onFault,
    onDamaged: ({ gameId }, error) => checks.afterDamage(gameId, error),
  });
  return {
    startCheck: (mode: CheckMode, gameId: string) => checks.start(mode, gameId),
    check: new RankCheck({ ranks, nodes, scores }),
    onChecked: (result: Checked) => reportCheck(result, metrics, services),
    schedule: scheduledCheck(config.LONGWATCH_RANK_CHECK_CRON),
    stream: readStream({
      name: LEADERBOARD_STREAM,
      summary: 'Updates the ranks from players’ scores',
      source: tableStream(services, 'Leaderboard'),
      handler: foldingHandler(rankCounters(ranks, writer), SHARDS_A_BATCH),
      onGap: () => checks.afterGap(),
    }),
  };
}

function scheduledCheck(cron: string): ScheduledWorkflow {
  const { type: workflowType, ...action } = checkOfAll;
  return { scheduleId: RANK_CHECK_ID, cron, action: { workflowType, ...action } };
}

type Checked = Parameters<LeaderboardMetrics['rankingChecked']>[0];

function reportCheck(result: Checked, metrics: LeaderboardMetrics, { note }: Pick<Services, 'note'>): void {
  metrics.rankingChecked(result);
  const text = 'rank did not match its score and was corrected';
  if (result.differences > 0) note({ area: 'leaderboards', tone: 'problem', text, count: result.differences });
}
