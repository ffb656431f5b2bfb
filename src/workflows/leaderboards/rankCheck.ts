import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { LeaderboardActivities } from '../../activities/leaderboards/types';
import { defined } from '../../domain/defined';
import { showDetails } from '../cancellation';
import { refusalIn } from '../refusals';
import { rankCheckNotice } from '../../domain/leaderboards/letters';
import { rankCheckPage } from '../../domain/leaderboards/pages';
import type { RankCheckInput, RankCheckReport } from '../../domain/leaderboards/workflows';

const { ranksToCheck } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
// Retried while another workflow checks the same ranking.
const { checkRanks } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '30 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
const { sendNotice } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '2 s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
});

/** Compares rankings with the table, one after another, repairs them, and notifies the supervisors of differences. */
export async function rankCheck({ mode, gameId, cursor, sofar }: RankCheckInput): Promise<RankCheckReport> {
  const total: RankCheckReport = sofar ? { ...sofar } : { shards: 0, players: 0, differences: 0, replaced: 0 };
  const page = await ranksToCheck(gameId, cursor);
  if (page.skipped !== undefined) total.skipped = (total.skipped ?? 0) + page.skipped;
  for (const shard of page.shards) {
    const checked = await checkRanks(shard, mode).catch(skipRefused);
    if (!checked) {
      total.skipped = (total.skipped ?? 0) + 1;
      continue;
    }
    const { players, differences, replaced } = checked;
    total.shards++;
    total.players += players;
    total.differences += differences;
    total.replaced += replaced ? 1 : 0;
    showDetails(rankCheckPage(total));
  }
  // Each run handles one page, so its history stays short for any number of boards.
  if (page.cursor !== undefined)
    return continueAsNew<typeof rankCheck>({
      mode,
      ...defined({ gameId }),
      cursor: page.cursor,
      sofar: total,
    });
  if (total.differences > 0) await sendNotice(rankCheckNotice(total, workflowInfo()));
  return total;
}

/** A ranking that cannot be checked must not block the others; the next check includes it again. */
function skipRefused(error: unknown): undefined {
  if (refusalIn(error) === undefined) throw error;
}
