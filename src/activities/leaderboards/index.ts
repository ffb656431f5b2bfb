import { Context } from '@temporalio/activity';
import { defined } from '../../domain/defined';
import { type RankShard, shardsOf } from '../../domain/leaderboards/keys';
import type { Boards } from '../../operations/leaderboards/boards';
import type { CheckedShard, RankCheck } from '../../operations/leaderboards/rankCheck';
import type { PageProgress, SeasonEnd } from '../../operations/leaderboards/seasonEnd';
import type { Notifications } from '../../operations/platform/notifications';
import { type OnSkipped, skipEachRefused } from '../../operations/platform/isolate';
import { pageOrFirst } from '../../stores/cursor';
import type { BoardStore } from '../../stores/leaderboards/boards';
import { asFailure } from '../failures';
import type { LeaderboardActivities } from './types';
import { type Clock, systemClock } from '../../timing/clock';

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

/** Number of boards in a page of rankings to check. */
const BOARDS_A_PAGE = 20;

/** Returns the activities of leaderboards. */
export function leaderboardActivities(parts: LeaderboardActivityParts): LeaderboardActivities {
  const { boards, store, seasonEnd, check, notifications, clock = systemClock } = parts;
  const openShards = async (gameId: string): Promise<RankShard[]> => {
    const [board, seasons] = await Promise.all([boards.read(gameId), store.latestSeasons(gameId)]);
    const open = seasons.filter(({ status, startsAt }) => status === 'open' && startsAt <= clock.now());
    return open.flatMap(({ number }) => shardsOf(board, number));
  };
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
    ranksToCheck: (gameId, cursor) =>
      asFailure(async () => {
        // A requested check of one game fails with the reason if the game cannot be read; it is not skipped.
        if (gameId !== undefined) return { shards: await openShards(gameId) };
        const page = await pageOrFirst(cursor, (from) => store.games({ limit: BOARDS_A_PAGE, cursor: from }));
        const found = new Map<string, RankShard[]>();
        const skipped = await skipEachRefused(
          page.items,
          BOARDS_A_PAGE,
          async (id) => void found.set(id, await openShards(id)),
          (id, error) => parts.onSkipped?.(`the rankings of ${id}`, error),
        );
        return {
          shards: page.items.flatMap((id) => found.get(id) ?? []),
          ...(skipped.size > 0 && { skipped: skipped.size }),
          ...defined({ cursor: page.cursor }),
        };
      }),
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
