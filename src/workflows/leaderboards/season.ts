import { condition, proxyActivities, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { LeaderboardActivities } from '../../activities/leaderboards/types';
import { iso } from '../../domain/ids';
import { noteOnPage, showDetails } from '../cancellation';
import { searchAttributePairs } from '../../domain/platform/searchAttributes';
import {
  movedSignal,
  type SeasonInput,
  type SeasonResult,
  type seasonStatuses,
} from '../../domain/leaderboards/workflows';

// Database work: quick, and retried for as long as it takes, since a season must end.
const { carryBans, seasonEnd, closeSeason, planSeasons, finishSeason } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 s' },
});
// As long as the board is large, and retried for ever; the heartbeat tells within half a minute that a worker died.
const { awaitRanks, checkRanks } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '30 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
// Page by page, so that a beat is never far.
const { writeStandings, grantRewards, archiveSeason } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/**
 * A season from when it is planned to its rewards. Requests never ask this workflow anything: which season a score
 * belongs to, and that none comes in after the end, is between the API and the table.
 */
export async function season(input: SeasonInput): Promise<SeasonResult> {
  noteSkipped('bans', 'could not be banned in this season', (await carryBans(input)) ?? 0);
  const closedAt = await untilClosed(input);
  show('closing', 'No score is taken any more. The ranks catch up with the last ones.');
  await planSeasons(input.gameId);
  const shards = await awaitRanks(input);
  let repaired = 0;
  for (const shard of shards) repaired += (await checkRanks(shard, 'audit')).differences;
  const players = await writeStandings(input);
  show(
    'closing',
    `Final standings of **${players}** players are written, ${repaired} repaired. Rewards are being granted.`,
    false,
  );
  const granted = await grantRewards(input, players);
  const { rewarded, skipped } = typeof granted === 'number' ? { rewarded: granted, skipped: 0 } : granted;
  noteSkipped('rewards', 'could not be granted their rewards', skipped);
  await finishSeason(input, players);
  show('final', `Closed at ${iso(closedAt)}: **${players}** players, **${rewarded}** of them rewarded.`);
  await archiveSeason(input, players);
  return { players, rewarded, ...(skipped > 0 && { skipped }), closedAt: iso(closedAt) };
}

/** Says on the page that players were skipped; the others have what they ought to. */
function noteSkipped(about: string, what: string, count: number): void {
  if (count > 0)
    noteOnPage(about, `> **${count}** players ${what}: a step of each was refused for good. The log names them.`);
}

/**
 * Sleeps until the season's end and grace as the table has them then: an end that was moved back costs one more sleep.
 */
async function untilClosed(input: SeasonInput): Promise<number> {
  let moved = false;
  setHandler(movedSignal, () => void (moved = true));
  for (let shownEnd: number | undefined; ;) {
    moved = false;
    const { endsAt, graceMs } = await seasonEnd(input);
    showDetails(`Runs until **${iso(endsAt)}**, then takes late scores for ${graceMs / 1_000} s.`);
    if (shownEnd !== undefined && shownEnd !== endsAt)
      upsertSearchAttributes(searchAttributePairs({ LongwatchDueAt: endsAt }));
    shownEnd = endsAt;
    const left = endsAt + graceMs - Date.now();
    if (left > 0 && (await condition(() => moved, left))) continue;
    const closedAt = await closeSeason(input, endsAt);
    if (closedAt !== undefined) return closedAt;
  }
}

function show(status: (typeof seasonStatuses)[number], details: string, isNew = true): void {
  showDetails(details);
  if (isNew) upsertSearchAttributes(searchAttributePairs({ LongwatchStatus: status, LongwatchDueAt: null }));
}
