import { Context } from '@temporalio/activity';
import type { Boards } from '../../operations/leaderboards/boards';
import type { CheckedShard, RankCheck } from '../../operations/leaderboards/rankCheck';
import { ranksToCheck } from '../../operations/leaderboards/ranksToCheck';
import type { PageProgress, SeasonEnd } from '../../operations/leaderboards/seasonEnd';
import type { Notifications } from '../../operations/platform/notifications';
import type { OnSkipped } from '../../operations/platform/isolate';
import type { BoardStore } from '../../stores/leaderboards/boards';
import { asFailure } from '../failures';
import type { LeaderboardActivities } from './types';
import type { Clock } from '../../timing/clock';

/** The operations and stores that the activities of leaderboards use. */
export interface LeaderboardActivityParts {
  boards: Boards;
  store: BoardStore;
  seasonEnd: SeasonEnd;
  check: RankCheck;
  notifications: Notifications;
  onChecked(result: CheckedShard): void;
  onSkipped?: OnSkipped;
  clock?: Clock;
}

/** Returns the activities of leaderboards. */
export function leaderboardActivities(parts: LeaderboardActivityParts): LeaderboardActivities {
  const { boards, store, seasonEnd, check, notifications } = parts;
  return {
    carryBans: ({ gameId, season }) => asFailure(() => boards.carryBans(gameId, season, beat)),
    seasonEnd: ({ gameId, season }) =>
      asFailure(async () => {
        const { endsAt = Number.MAX_SAFE_INTEGER, graceMs } = await seasonEnd.season(gameId, season);
        return { endsAt, graceMs };
      }),
    closeSeason: ({ gameId, season }, endsAt) => asFailure(() => seasonEnd.close(gameId, season, endsAt)),
    planSeasons: (gameId) => asFailure(async () => void (await boards.planSeasons(gameId))),
    awaitRanks: ({ gameId, season }) =>
      asFailure(() => seasonEnd.awaitRanks(gameId, season, Context.current().cancellationSignal, beat)),
    checkRanks: (shard, mode) =>
      asFailure(async () => {
        const result = await check.run(shard, mode === 'rebuild', beat);
        parts.onChecked(result);
        return result;
      }),
    writeStandings: ({ gameId, season }) => asFailure(() => seasonEnd.writeStandings(gameId, season, paging())),
    grantRewards: ({ gameId, season }, players) =>
      asFailure(async () => {
        const { rewarded, skipped } = await seasonEnd.grantRewards(gameId, season, players, paging());
        return skipped === undefined ? rewarded : { rewarded, skipped };
      }),
    finishSeason: ({ gameId, season }, players) => asFailure(() => store.finish(gameId, season, players)),
    archiveSeason: ({ gameId, season }, players) => asFailure(() => seasonEnd.archive(gameId, season, players, beat)),
    ranksToCheck: (gameId, cursor) => asFailure(() => ranksToCheck(parts, gameId, cursor)),
    sendNotice: (notice) => asFailure(() => notifications.send(notice)),
  };
}

function beat(): void {
  Context.current().heartbeat();
}

/** Continues from the last heartbeat of the previous attempt. */
function paging() {
  const context = Context.current();
  return {
    from: context.info.heartbeatDetails as PageProgress | undefined,
    progress: (done: PageProgress) => context.heartbeat(done),
  };
}
