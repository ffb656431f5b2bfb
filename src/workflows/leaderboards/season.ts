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

// Database operations: fast, and retried without limit, because a season must end.
const { carryBans, seasonEnd, closeSeason, planSeasons, finishSeason } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 s' },
});
// Long for a large board, retried without limit. The heartbeat reveals a failed worker within half a minute.
const { awaitRanks, checkRanks } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '30 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
// These heartbeat after every page, so the heartbeat timeout can be short.
const { writeStandings, grantRewards, archiveSeason } = proxyActivities<LeaderboardActivities>({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/**
 * The lifecycle of a season, from its planning to its rewards. Requests do not use this workflow: the API and the
 * table's conditions determine the season of a score, and refuse scores after the end.
 */
export async function season(input: SeasonInput): Promise<SeasonResult> {
  noteSkipped('bans', 'could not be banned in this season', (await carryBans(input)) ?? 0);
  const closedAt = await untilClosed(input);
  show('closing', 'No more scores are accepted. The rankings are catching up with the last scores.');
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

/** Shows on the page how many players were skipped. All other players are complete. */
function noteSkipped(about: string, what: string, count: number): void {
  if (count > 0)
    noteOnPage(about, `> **${count}** players ${what}: a step of each was refused permanently. The log names them.`);
}

/**
 * Waits until the season's end and grace period have passed. It reads the end again after each wait, because the end
 * can be moved.
 */
async function untilClosed(input: SeasonInput): Promise<number> {
  let moved = false;
  setHandler(movedSignal, () => void (moved = true));
  for (let shownEnd: number | undefined; ;) {
    moved = false;
    const { endsAt, graceMs } = await seasonEnd(input);
    showDetails(`Runs until **${iso(endsAt)}**, then accepts late scores for ${graceMs / 1_000} s.`);
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
