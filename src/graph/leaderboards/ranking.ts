import {
  type CheckMode,
  LEADERBOARD_STREAM,
  LEADERBOARDS_QUEUE,
  RANK_CHECK_ID,
  RANK_CHECK_TYPE,
  rankCheckId,
  type RankCheckInput,
} from '../../domain/leaderboards/workflows';
import type { LeaderboardMetrics } from '../../metrics/leaderboards';
import { RankCheck } from '../../operations/leaderboards/rankCheck';
import { rankCounters, SHARDS_A_BATCH } from '../../operations/leaderboards/rankCounters';
import { RankWriter } from '../../operations/leaderboards/rankWriter';
import { foldingHandler } from '../../operations/platform/streams/foldingHandler';
import type { NodeStore } from '../../stores/leaderboards/nodes';
import type { RankStore } from '../../stores/leaderboards/ranks';
import type { ScoreStore } from '../../stores/leaderboards/scores';
import { readStream, type ScheduledWorkflow, type Services, type StandingWorkflow } from '../capability';
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
  const startCheck = async (mode: CheckMode, gameId: string): Promise<string> => {
    const workflow = checkOf(mode, gameId);
    await startOnce(workflow);
    return workflow.workflowId;
  };
  const writer = new RankWriter({
    ranks,
    nodes,
    onFault,
    onDamaged({ gameId }, error) {
      logger.error({ err: error, gameId }, 'a ranking is damaged; a check compares it with its table and rebuilds it');
      startCheck('audit', gameId).catch(onFault);
    },
  });
  return {
    startCheck,
    check: new RankCheck({ ranks, nodes, scores }),
    onChecked: (result: Checked) => reportCheck(result, metrics, services),
    schedule: scheduledCheck(config.LONGWATCH_RANK_CHECK_CRON),
    stream: readStream({
      name: LEADERBOARD_STREAM,
      summary: 'Updates the ranks from players’ scores',
      source: tableStream(services, 'Leaderboard'),
      handler: foldingHandler(rankCounters(ranks, writer), SHARDS_A_BATCH),
      onGap: () => void startOnce(checkOfAll).catch(onFault),
    }),
  };
}

const checkOf = (mode: CheckMode, gameId: string): StandingWorkflow => ({
  type: RANK_CHECK_TYPE,
  workflowId: rankCheckId(mode, gameId),
  taskQueue: LEADERBOARDS_QUEUE,
  args: [{ mode, gameId } satisfies RankCheckInput],
  staticSummary: `Ranks of ${gameId}: ${mode}`,
});

const checkOfAll: StandingWorkflow = {
  type: RANK_CHECK_TYPE,
  workflowId: RANK_CHECK_ID,
  taskQueue: LEADERBOARDS_QUEUE,
  args: [{ mode: 'audit' } satisfies RankCheckInput],
  staticSummary: 'Checks all ranks against the scores',
};

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
